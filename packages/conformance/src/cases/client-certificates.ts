import { createHash } from 'node:crypto';
import { type CertificateSource, dpopVerifier } from '@phantom-token/core';
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { activeJson, jwt } from '../answers.js';
import { canaries } from '../canaries.js';
import { row, scene } from '../case-forms.js';
import {
  behind,
  certificate,
  type Field,
  formats,
  fromElsewhere,
  fromProxy,
  notPresented,
  otherCertificate,
  right,
  thumbprint,
  words,
  written,
  wrong,
} from '../certificate-samples.js';
import { startAt } from '../clock.js';
import { type ExpectedAnswer, refused } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';
import { certificateFieldCases } from './certificate-fields.js';

const cnf = { 'x5t#S256': thumbprint };
const bound = jwt({ ...goodClaims, cnf });

const refusals: readonly (readonly [
  what: string,
  clientCertificate: CertificateSource | undefined,
  fields: readonly Field[],
])[] = [
  ['no certificate', undefined, []],
  ['no certificate from the proxy', behind(fromProxy), []],
  ['an empty header from the proxy', behind(fromProxy, 'nginx'), [['X-SSL-Client-Cert', '']]],
  ['a certificate where no proxy is configured', undefined, [right]],
  ['the certificate twice', behind(fromProxy), [right, right]],
  ['the certificate and another', behind(fromProxy), [right, wrong]],
  ['another and the certificate', behind(fromProxy), [wrong, right]],
  ['a certificate in a header that is not the configured one', behind(fromProxy, 'envoy'), [right]],
  ...formats.flatMap(
    (format) =>
      [
        [`another certificate, ${format}`, behind(fromProxy, format), [written[format](otherCertificate)]],
        [
          `a certificate from elsewhere, ${format}`,
          behind(fromElsewhere, format),
          [written[format](certificate)],
        ],
      ] as const,
  ),
];

const misshapen: readonly (readonly [what: string, cnf: Readonly<Record<string, unknown>>])[] = [
  ['a thumbprint that is no string', { 'x5t#S256': [thumbprint] }],
  ['an empty thumbprint', { 'x5t#S256': '' }],
  ['a confirmation that nobody here can check beside it', { ...cnf, kid: 'key' }],
];

/** Certificate-bound tokens (RFC 8705 §3): the certificate is looked for on every request, hit or miss. */
export const clientCertificateCases = [
  ...formats.map((format) =>
    scene(
      `a certificate-bound token passes with its certificate from the proxy, ${format}, and again from the cache`,
      { says: bound, adapter: { clientCertificate: behind(fromProxy, format) } },
      async ({ passes, asked }) => {
        const fields = [written[format](certificate)];
        await passes({ fields }, { claims: { cnf } });
        await passes({ fields }, { claims: { cnf }, source: 'memory' });
        asked(1);
      },
    ),
  ),
  ...refusals.map(([what, clientCertificate, fields]) =>
    scene(
      `a certificate-bound token with ${what}: 401, and again from the cache`,
      { says: bound, adapter: clientCertificate ? { clientCertificate } : {} },
      async ({ refuses, asked }) => {
        await refuses(notPresented, { fields });
        await refuses(notPresented, { fields });
        asked(1);
      },
    ),
  ),
  ...misshapen.map(([what, odd]) =>
    row(`a token with ${what}: 401`, {
      says: jwt({ ...goodClaims, cnf: odd }),
      adapter: { clientCertificate: behind(fromProxy) },
      sends: { fields: [right] },
      gets: refused.senderConstrained,
    }),
  ),
  row('a binding that only the JSON around the JWT tells holds: 401', {
    says: activeJson({ cnf }),
    adapter: { clientCertificate: behind(fromProxy) },
    sends: { fields: [wrong] },
    gets: notPresented,
  }),
  row('a binding that only the JSON around the JWT tells is met by the certificate', {
    says: activeJson({ cnf }),
    adapter: { clientCertificate: behind(fromProxy) },
    sends: { fields: [right] },
  }),
  scene(
    'one client that has the certificate lets in no other',
    { says: bound, adapter: { clientCertificate: behind(fromProxy) } },
    async ({ passes, refuses, asked }) => {
      for (let round = 0; round < 2; round++) {
        await passes({ fields: [right] });
        await refuses(notPresented);
        await refuses(notPresented, { fields: [wrong] });
      }
      asked(1);
    },
  ),
  scene(
    'a token that is bound to nothing needs no certificate, and none is looked for',
    {},
    async (stage) => {
      const clientCertificate: CertificateSource = {
        thumbprint: () => {
          throw new Error('nobody may ask');
        },
      };
      const door = await stage.mount({ clientCertificate });
      await door.passes({ fields: [wrong] });
      await door.passes();
      stage.asked(1);
    },
  ),
  scene('a token that is bound to a key as well needs both', {}, async (stage) => {
    const { jkt, prove } = await createProver();
    stage.server.answer(jwt({ ...goodClaims, cnf: { ...cnf, jkt } }));
    const { passes, refuses } = await stage.mount({
      clientCertificate: behind(fromProxy),
      dpop: dpopVerifier({ origin, algorithms: ['ES256'] }),
      now: stage.clock,
    });
    for (let round = 0; round < 2; round++) {
      await refuses(withoutProof, { fields: [right] });
      await refuses(withoutProof, { authorization, fields: [right] });
      const proof: Field = ['DPoP', await prove(`proof-${round}`)];
      await refuses(inDpop(words), { authorization, fields: [proof] });
      await refuses(inDpop(words), { authorization, fields: [proof, wrong] });
      // a proof that came with the wrong certificate is not used up
      await passes({ authorization, fields: [proof, right] });
    }
    stage.asked(1);
  }),
  ...certificateFieldCases,
];

const origin = 'https://api.example';
const authorization = `DPoP ${canaries.token}`;

const inDpop = (description: string): ExpectedAnswer => ({
  status: 401,
  challenge: `DPoP realm="api", error="invalid_token", error_description="${description}", algs="ES256"`,
  body: { error: 'invalid_token', error_description: description },
});

const withoutProof = inDpop('the token came without the DPoP proof that it needs');

/** A key, and the proofs that a client makes with it for `GET /` and the canary token (RFC 9449 §4.2). */
async function createProver() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const ath = createHash('sha256').update(canaries.token).digest('base64url');
  const claims = { htm: 'GET', htu: `${origin}/`, iat: startAt, ath };
  return {
    jkt: await calculateJwkThumbprint(jwk),
    prove: (jti: string) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify({ ...claims, jti })))
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey),
  };
}
