import { createHash } from 'node:crypto';
import { type CertificateSource, dpopVerifier } from '@phantom-token/core';
import { type CertificateFormat, proxyCertificate } from '@phantom-token/core/node';
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { activeJson, jwt } from '../answers.js';
import { canaries } from '../canaries.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { type ExpectedAnswer, refused } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';

/** RFC 8705, appendix A: a certificate, DER in base64, and its thumbprint. */
const certificate =
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwE' +
  'bXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGG' +
  'WvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUa' +
  'KlLR50Q2DmFfQj1L+SY=';
const thumbprint = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';

/** RFC 9440, appendix A: another certificate. */
const otherCertificate =
  'MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0' +
  'ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaU' +
  'gmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAW' +
  'gBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1w' +
  'bGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBV' +
  'oU4hBVZ1yhk=';

type Field = readonly [name: string, value: string];

/** The header that a proxy of each kind makes of a certificate. */
const written = {
  'client-cert': (base64: string): Field => ['Client-Cert', `:${base64}:`],
  nginx: (base64: string): Field => ['X-SSL-Client-Cert', escapedPem(base64)],
  envoy: (base64: string): Field => {
    const hash = createHash('sha256').update(base64, 'base64').digest('hex');
    const element = `By=;Hash=${hash};Cert="${escapedPem(base64)}";Subject="CN=mtls";URI=`;
    return ['X-Forwarded-Client-Cert', element];
  },
};

const escapedPem = (base64: string) =>
  encodeURIComponent(
    `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  );

const right = written['client-cert'](certificate);
const wrong = written['client-cert'](otherCertificate);

/** Requests come over the loopback: from the proxy, or not. */
const fromProxy = ['127.0.0.0/8', '::1'];
const fromElsewhere = ['192.0.2.0/24', '2001:db8::/32'];

const behind = (trustedProxies: readonly string[], format: CertificateFormat = 'client-cert') =>
  proxyCertificate({
    format,
    trustedProxies,
    ...(format === 'nginx' && { header: 'X-SSL-Client-Cert' }),
  });

const cnf = { 'x5t#S256': thumbprint };
const bound = jwt({ ...goodClaims, cnf });

const words = 'the token is bound to a client certificate that was not presented';
const notPresented: ExpectedAnswer = {
  status: 401,
  challenge: `Bearer realm="api", error="invalid_token", error_description="${words}"`,
  body: { error: 'invalid_token', error_description: words },
};

const formats = ['client-cert', 'nginx', 'envoy'] as const;

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
