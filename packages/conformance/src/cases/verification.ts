import { type JwtVerifierOptions, jwtVerifier } from '@phantom-token/core';
import { activeJson, json, jsonType, jwt, jwtType, reply, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { unknown } from '../expected-answers.js';
import { closeDelimited, endlessBody, neverAnswer } from '../faults.js';
import {
  createJwtSigner,
  goodClaims,
  type JwtSigner,
  sampleSigner,
  signJwt,
  signJwtWithPublicKey,
} from '../jwt-samples.js';
import type { Answer, ScriptedServer } from '../scripted-server.js';
import { settle } from '../signed-answer-samples.js';
import type { ClientSetting, Stage } from '../stage.js';

const { unreliable } = unknown;

/** The documented production setting, with the issuer's keys at hand. */
const verifying =
  (options: Partial<JwtVerifierOptions> = {}): ClientSetting =>
  async () => ({
    verifyJwt: jwtVerifier({ issuer: goodClaims.iss, jwks: (await sampleSigner()).jwks, ...options }),
  });

/** The same, with the keys where the issuer publishes them. */
const fetching = ({ jwksUri }: ScriptedServer) => ({
  verifyJwt: jwtVerifier({ issuer: goodClaims.iss, jwksUri }),
});

const client = verifying();

/** Keys of other signers too, none of them named. */
const nameless = (...signers: readonly JwtSigner[]): ClientSetting =>
  verifying({ jwks: { keys: signers.map(({ jwk: { kid, ...open } }) => open) } });

const unnamed = ({ sign }: JwtSigner) => reply(200, jwtType, () => sign(goodClaims, { kid: undefined }));

const headed = (header: Readonly<Record<string, unknown>>) =>
  reply(200, jwtType, () => signJwt(goodClaims, header));

const forged: Answer = reply(200, jwtType, async () => (await createJwtSigner('sample')).sign(goodClaims));

const keys: Answer = reply(200, { 'Content-Type': 'application/json' }, async () =>
  JSON.stringify((await sampleSigner()).jwks),
);

const noKeys: readonly (readonly [what: string, answer: Answer])[] = [
  ['status 500', status(500)],
  ['an HTML page', reply(200, { 'Content-Type': 'text/html' }, '<html></html>')],
  ['an empty body', json('')],
  ['an empty set', json({ keys: [] })],
  ['no set', json({})],
  ['a redirect', status(302, { Location: '/keys' })],
  ['an endless body', endlessBody(jsonType)],
];

const fetches = ({ server }: Stage, times: number) =>
  assertEqual(server.requestsTo('/jwks').length, times, 'requests for keys');

/** With `verifyJwt`, what the server returned must verify; a failure is never the client's fault. */
export const verificationCases = [
  row('a JWT that verifies passes', { client }),
  row('a JWT in JSON that verifies passes', { client, says: activeJson() }),
  row('a JWT with a changed signature: 502', {
    client,
    says: reply(200, jwtType, async () => (await signJwt(goodClaims)).replace(/.{4}$/, 'AAAA')),
    gets: unreliable,
  }),
  row('a JWT that breaks off inside its signature: 502', {
    client,
    says: closeDelimited(async () => (await signJwt(goodClaims)).slice(0, -10)),
    gets: unreliable,
  }),
  row('a JWT signed with another key under our key id: 502', { client, says: forged, gets: unreliable }),
  row('a JWT signed with HS256 and the public key: 502', {
    client,
    says: reply(200, jwtType, () => signJwtWithPublicKey(goodClaims)),
    gets: unreliable,
  }),
  row('a JWT signed with an algorithm that is not pinned: 502', {
    client: verifying({ algorithms: ['RS256'] }),
    gets: unreliable,
  }),
  row('a JWT from another issuer: 502', {
    client,
    says: jwt({ ...goodClaims, iss: 'https://other.example' }),
    gets: unreliable,
  }),
  row('a JWT without an issuer: 502', {
    client,
    says: jwt({ ...goodClaims, iss: undefined }),
    gets: unreliable,
  }),
  row('a JWT for another audience than the pinned one: 502', {
    client: verifying({ audience: 'https://other.example' }),
    gets: unreliable,
  }),
  row('a JWT of another type: 502', { client, says: headed({ typ: 'JWT' }), gets: unreliable }),
  row('a JWT without a type: 502', { client, says: headed({ typ: undefined }), gets: unreliable }),
  row('a JWT of type application/AT+JWT passes', { client, says: headed({ typ: 'application/AT+JWT' }) }),
  row('a JWT of a configured type passes', {
    client: verifying({ typ: 'JWT' }),
    says: headed({ typ: 'JWT' }),
  }),
  row('a JWT signed with an unknown key: 502', {
    client,
    says: headed({ kid: 'unknown' }),
    gets: unreliable,
  }),
  scene('a JWT is verified by the clock of the client, and 5 s beside it', { client }, async (stage) => {
    stage.clock.advance(1e9);
    const now = stage.clock();
    stage.server.answer(jwt({ ...goodClaims, nbf: now + 5, exp: now + 3600 }));
    await stage.passes();
  }),
  scene('a JWT without a key id is verified with the one of the keys that signed it', {}, async (stage) => {
    const [own, other] = [await sampleSigner(), await createJwtSigner('other')];
    for (const [at, signers] of [
      [own, other],
      [other, own],
    ].entries()) {
      const door = await stage.mount({}, await settle(nameless(...signers), stage.server));
      stage.server.answer(unnamed(own));
      await door.passes(`Bearer ${at}`);
      stage.server.answer(unnamed(await createJwtSigner('stranger')));
      await door.refuses(unreliable, `Bearer stranger-${at}`);
    }
  }),
  ...noKeys.map(([what, answer]) =>
    scene(`${what} instead of keys: 502`, { client: fetching }, async ({ server, refuses, asked }) => {
      server.answerAt('/jwks', answer);
      await refuses(unreliable);
      asked(1);
    }),
  ),
  scene(
    'keys that never come: 504 at the deadline',
    { client: (server) => ({ ...fetching(server), timeoutSeconds: 0.2 }) },
    async ({ server, refuses }) => {
      server.answerAt('/jwks', neverAnswer());
      await refuses(unknown.timedOut);
    },
  ),
  scene(
    'unknown keys make us fetch the set once in 30 s, and known ones go on',
    { client: fetching },
    async (stage) => {
      const { server, passes, refuses, clock } = stage;
      server.answerAt('/jwks', keys);
      await passes('Bearer known');
      server.answer(headed({ kid: 'unknown' }));
      for (const number of [1, 2, 3]) await refuses(unreliable, `Bearer unknown-${number}`);
      fetches(stage, 1);
      clock.advance(31);
      for (const number of [4, 5, 6]) await refuses(unreliable, `Bearer unknown-${number}`);
      fetches(stage, 2);
      server.answer(jwt());
      await passes('Bearer known-too');
    },
  ),
  scene('a key that the issuer added is found with one fetch', { client: fetching }, async (stage) => {
    const { server, passes, clock } = stage;
    server.answerAt('/jwks', keys);
    await passes('Bearer old');
    clock.advance(31);
    const signer = await createJwtSigner('new');
    server.answerAt('/jwks', json({ keys: [...(await sampleSigner()).jwks.keys, signer.jwk] }));
    server.answer(reply(200, jwtType, () => signer.sign(goodClaims)));
    await Promise.all([1, 2, 3].map((number) => passes(`Bearer new-${number}`, { signer })));
    fetches(stage, 2);
  }),
  scene(
    'a key that the issuer withdrew is of no use after 10 minutes',
    { client: fetching },
    async (stage) => {
      const { server, passes, refuses, clock } = stage;
      server.answerAt('/jwks', keys);
      await passes('Bearer before');
      server.answerAt('/jwks', json((await createJwtSigner('new')).jwks));
      clock.advance(600);
      await refuses(unreliable, 'Bearer after');
    },
  ),
  scene('an outage of the key endpoint of more than an hour: 502', { client: fetching }, async (stage) => {
    const { server, passes, refuses, clock } = stage;
    server.answer(jwt({ ...goodClaims, exp: goodClaims.exp + 3600 }));
    server.answerAt('/jwks', keys);
    await passes('Bearer before');
    server.answerAt('/jwks', status(500));
    clock.advance(3600);
    await refuses(unreliable, 'Bearer after');
  }),
  scene('an outage of the key endpoint leaves the last set in use', { client: fetching }, async (stage) => {
    const { server, passes, clock } = stage;
    server.answerAt('/jwks', keys);
    await passes('Bearer before');
    server.answerAt('/jwks', status(500));
    clock.advance(1800);
    await passes('Bearer during');
  }),
];
