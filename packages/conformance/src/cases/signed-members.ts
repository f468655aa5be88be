import { jwtMinter, memoryCache } from '@phantom-token/core';
import { generateKeyPair } from 'jose';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';
import {
  activeMembers,
  answerFrame,
  answerKeys,
  answerWith,
  framed,
  type Members,
  settle,
  signAnswer,
  signedAnswer,
  verifying,
} from '../signed-answer-samples.js';
import type { Stage } from '../stage.js';

const { unreliable } = unknown;
const client = verifying();

const saying = (token_introspection: Members) => framed({ token_introspection });

/** An answer with an active token's members, but for these. */
const altering = (members: () => Promise<Members>) =>
  answerWith(async () =>
    signedAnswer({ token_introspection: { ...(await activeMembers()), ...(await members()) } }),
  );

const codes = ({ events }: Stage) => events.flatMap((event) => ('code' in event ? [event.code] : []));

/** What a signed answer says of a token is in `token_introspection`, and is read like a JSON answer (RFC 9701 §5). */
export const signedMemberCases = [
  row('a signed answer that says active: false is inactive', {
    client,
    says: saying({ active: false }),
    gets: refused.inactive,
  }),
  row('what surrounds token_introspection does not make a token inactive', {
    client,
    says: framed({ active: false, exp: startAt - 1, nbf: startAt + 5 }),
  }),
  row('what surrounds token_introspection does not make a token active', {
    client,
    says: framed({ active: true, token_introspection: { active: false } }),
    gets: refused.inactive,
  }),
  row('what surrounds token_introspection is not about the token', {
    client,
    says: framed({ sub: 'server', scope: 'admin', client_id: 'server', cnf: { jkt: 'x' } }),
    sees: { claims: { scope: goodClaims.scope, client_id: goodClaims.client_id, cnf: undefined } },
  }),
  row('a token_introspection inside of another claim is not the one that counts', {
    client,
    says: answerWith(async () =>
      signAnswer({
        ...answerFrame,
        other: { token_introspection: await activeMembers() },
        token_introspection: { active: false },
      }),
    ),
    gets: refused.inactive,
  }),
  row('a JWT beside token_introspection is not the one in it: 502', {
    client,
    says: answerWith(async () =>
      signedAnswer({ ...(await activeMembers()), token_introspection: { active: true } }),
    ),
    gets: unreliable,
  }),
  ...['true', 1, undefined].map((active) =>
    row(`a signed answer that says active: ${JSON.stringify(active) ?? 'nothing'}: 502`, {
      client,
      says: altering(async () => ({ active })),
      gets: unreliable,
    }),
  ),
  row('a signed answer that holds another one for a JWT: 502', {
    client,
    says: altering(async () => ({ jwt: await signedAnswer() })),
    gets: unreliable,
  }),
  row('a signed answer that contradicts the JWT in it: 502', {
    client,
    says: altering(async () => ({ sub: 'another' })),
    gets: unreliable,
  }),
  row('a signed answer that narrows the scope of the JWT in it', {
    client,
    says: altering(async () => ({ scope: 'read' })),
    sees: { claims: { scope: 'read' } },
  }),
  scene('a signed answer without a JWT: 502, told as ERR_NO_JWT', { client }, async (stage) => {
    stage.server.answer(saying({ active: true, ...goodClaims }));
    await stage.refuses(unreliable);
    assertEqual(codes(stage), ['ERR_NO_JWT'], 'reported codes');
  }),
  scene('a signed answer without a JWT gets one of ours, where we mint', { client }, async (stage) => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const mintJwt = jwtMinter({ issuer: 'https://gateway.example', keys: privateKey });
    const door = await stage.mount({}, { mintJwt });
    stage.server.answer(saying({ active: true, token_type: 'Bearer', ...goodClaims }));
    await door.passes(undefined, { signer: { ...(await answerKeys()).signer, publicKey } });
  }),
  scene('a signed answer given again to another token after 60 s: 502', { client }, async (stage) => {
    stage.server.answer(answerWith(await signedAnswer()));
    await stage.passes('Bearer one');
    stage.clock.advance(61);
    await stage.refuses(unreliable, 'Bearer another');
  }),
  scene('what a signed answer said is reused when the answer itself is old', { client }, async (stage) => {
    stage.server.answer(framed({ exp: startAt + 30 }));
    await stage.passes();
    stage.clock.advance(120);
    await stage.passes(undefined, { source: 'memory' });
    stage.asked(1);
  }),
  scene(
    'what was said to a client that verifies otherwise is not reused',
    { client: async (server) => ({ ...(await settle(client, server)), cache: memoryCache() }) },
    async (stage) => {
      stage.server.answer(framed());
      await stage.passes();
      const stricter = await settle(verifying({ maxAgeSeconds: 30 }), stage.server);
      const door = await stage.mount({}, stricter);
      await door.passes(undefined, { source: 'introspection' });
      stage.asked(2);
    },
  ),
  scene(
    'a signed answer that does not verify is told as such, and not remembered',
    { client },
    async (stage) => {
      stage.server.answer(framed({ iss: 'https://other.example' }));
      await stage.refuses(unreliable);
      assertEqual(codes(stage), ['ERR_RESPONSE_VERIFICATION'], 'reported codes');
      stage.server.answer(framed());
      await stage.passes();
      stage.asked(2);
    },
  ),
];
