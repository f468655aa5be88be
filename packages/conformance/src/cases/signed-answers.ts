import { activeJson, json, jwt, noContent, reply, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { unknown } from '../expected-answers.js';
import { neverAnswer } from '../faults.js';
import { createJwtSigner, goodClaims, notUtf8 } from '../jwt-samples.js';
import type { ScriptedServer } from '../scripted-server.js';
import {
  type AnswerRow,
  activeMembers,
  altered,
  answerFrame,
  answerKeys,
  answerMediaType,
  answerType,
  answerWith,
  believing,
  createAnswerKeys,
  framed,
  signAnswer,
  signedAnswer,
  unsignedAnswer,
  verifying,
} from '../signed-answer-samples.js';
import { encryptedAnswerCases } from './encrypted-answers.js';
import { signedMemberCases } from './signed-members.js';

const { unreliable } = unknown;
const client = verifying();
const good = framed();

/** With the keys where the issuer publishes them. */
const fetching = ({ jwksUri }: ScriptedServer) => believing({ jwksUri });

/** The good answer, signed by another. */
const signedBy = (giveSigner: () => Promise<Awaited<ReturnType<typeof answerKeys>>['signer']>) =>
  answerWith(async () => {
    const payload = { ...answerFrame, token_introspection: await activeMembers() };
    return (await giveSigner()).sign(payload, { typ: answerType });
  });

/** An answer with this payload, written around the members of an active token. */
const written = (write: (frame: string, members: string) => string) =>
  answerWith(async () =>
    signAnswer(write(JSON.stringify(answerFrame).slice(1, -1), JSON.stringify(await activeMembers()))),
  );

const taken: readonly AnswerRow[] = [
  ['for one of several audiences', framed({ aud: ['other', answerFrame.aud] })],
  [
    'for the audience that is set',
    framed({ aud: 'https://rs.example' }),
    verifying({ audience: 'https://rs.example' }),
  ],
  ['of 60 s ago', framed({ iat: startAt - 60 })],
  ['of 5 s ahead', framed({ iat: startAt + 5 })],
  ['of 10 minutes ago, where that may be', framed({ iat: startAt - 600 }), verifying({ maxAgeSeconds: 600 })],
  ['with exp and nbf that hold', framed({ exp: startAt + 1, nbf: startAt })],
  ['that ended 4 s ago', framed({ exp: startAt - 4 })],
  ['that begins in 5 s', framed({ nbf: startAt + 5 })],
  ['of type application/Token-Introspection+JWT', framed({}, { typ: 'application/Token-Introspection+JWT' })],
  [
    'under Application/Token-Introspection+JWT; charset=utf-8',
    answerWith(() => signedAnswer(), 'Application/Token-Introspection+JWT; charset=utf-8'),
  ],
  ['with a line break after it', altered((jws) => `${jws}\n`)],
];

const distrusted: readonly AnswerRow[] = [
  ...[undefined, 'JWT', 'at+jwt', 'text/token-introspection+jwt'].map(
    (typ) => [`of type ${typ ?? 'none'}`, framed({}, { typ })] as const,
  ),
  ['from another issuer', framed({ iss: 'https://other.example' })],
  ['without an issuer', framed({ iss: undefined })],
  ['for another resource server', framed({ aud: 'other' })],
  ['for us where another audience is set', good, verifying({ audience: 'https://rs.example' })],
  ['without an audience', framed({ aud: undefined })],
  ['without iat', framed({ iat: undefined })],
  ['with iat as a string', framed({ iat: String(startAt) })],
  ['of 61 s ago', framed({ iat: startAt - 61 })],
  ['of 6 s ahead', framed({ iat: startAt + 6 })],
  ['that has expired', framed({ exp: startAt - 5 })],
  ['that does not hold yet', framed({ nbf: startAt + 6 })],
  ['with a changed signature', altered((jws) => jws.replace(/.{4}$/, 'AAAA'))],
  ['signed with another key under our key id', signedBy(async () => (await createAnswerKeys()).signer)],
  ['signed with an unknown key', signedBy(() => createJwtSigner('unknown'))],
  ['signed with an algorithm that is not pinned', good, verifying({ algorithms: ['RS256'] })],
  ...['none', 'None', 'HS256', undefined].map(
    (alg) => [`whose alg is ${alg ?? 'missing'}`, answerWith(() => unsignedAnswer(alg))] as const,
  ),
  ['that is not signed at all', answerWith(() => unsignedAnswer('none', ''))],
];

const misshapen: readonly AnswerRow[] = [
  ['nothing in it', altered(() => '')],
  ['two segments', altered((jws) => jws.slice(0, jws.lastIndexOf('.')))],
  ['four segments', altered((jws) => `${jws}.eyJ9`)],
  ['a space after it', altered((jws) => `${jws} `)],
  ['two line breaks after it', altered((jws) => `${jws}\n\n`)],
  ['a byte order mark before it', altered((jws) => `\ufeff${jws}`)],
  ['a payload that is a list', answerWith(() => signAnswer('[]'))],
  [
    'a payload that is not UTF-8',
    answerWith(async () =>
      signAnswer(notUtf8({ ...answerFrame, token_introspection: await activeMembers() })),
    ),
  ],
  ...[null, undefined].map(
    (value) =>
      [
        `${value === null ? 'null' : 'nothing'} for token_introspection`,
        framed({ token_introspection: value }),
      ] as const,
  ),
  [
    'a string for token_introspection',
    written((frame, members) => `{${frame},"token_introspection":${JSON.stringify(members)}}`),
  ],
  [
    'a list for token_introspection',
    written((frame, members) => `{${frame},"token_introspection":[${members}]}`),
  ],
  [
    'active: false, then true',
    written(
      (frame, members) => `{${frame},"token_introspection":${members.replace('{', '{"active":false,')}}`,
    ),
  ],
  [
    'token_introspection twice',
    written((frame, members) => `{${frame},"token_introspection":{},"token_introspection":${members}}`),
  ],
  ['aud twice', written((frame, members) => `{"aud":"other",${frame},"token_introspection":${members}}`)],
];

const downgraded: readonly AnswerRow[] = [
  ['active JSON', activeJson()],
  ['inactive JSON', json({ active: false })],
  ['a bare JWT', jwt()],
  ['a 204', noContent()],
  ['a signed answer under application/jwt', answerWith(() => signedAnswer(), 'application/jwt')],
  ['a signed answer under application/json', answerWith(() => signedAnswer(), 'application/json')],
  ['a signed answer under no media type', reply(200, {}, () => signedAnswer())],
  ['active JSON that calls itself signed', activeJson({}, goodClaims, { 'Content-Type': answerMediaType })],
];

/** With `verifyResponse`, nothing counts but what the server has signed (RFC 9701). */
export const signedAnswerCases = [
  scene('a signed answer is asked for, and the JWT in it goes on', { client, says: good }, async (stage) => {
    await stage.passes();
    const asked = stage.server.calls.map(({ headers, form }) => [headers.accept, ...form.keys()]);
    assertEqual(asked, [[answerMediaType, 'token']], 'media types and parameters');
  }),
  ...taken.map(([what, says, given = client]) =>
    row(`a signed answer ${what} passes`, { client: given, says }),
  ),
  ...distrusted.map(([what, says, given = client]) =>
    row(`a signed answer ${what}: 502`, { client: given, says, gets: unreliable }),
  ),
  ...misshapen.map(([what, says]) =>
    row(`a signed answer with ${what}: 502`, { client, says, gets: unreliable }),
  ),
  ...downgraded.map(([what, says]) =>
    row(`${what}, where a signed answer was asked for: 502`, { client, says, gets: unreliable }),
  ),
  scene(
    'keys that sign answers are fetched once, and again for a new one',
    { client: fetching },
    async (stage) => {
      const { server, passes, refuses, clock } = stage;
      const fetches = (times: number) =>
        assertEqual(server.requestsTo('/jwks').length, times, 'requests for keys');
      const [{ signer }, next] = await Promise.all([answerKeys(), createJwtSigner('next')]);
      server.answerAt('/jwks', json(signer.jwks));
      server.answer(good);
      await Promise.all(['Bearer 1', 'Bearer 2'].map((token) => passes(token)));
      server.answerAt('/jwks', json({ keys: [signer.jwk, next.jwk] }));
      server.answer(signedBy(async () => next));
      await refuses(unreliable, 'Bearer 3');
      fetches(1);
      clock.advance(31);
      await Promise.all(['Bearer 4', 'Bearer 5'].map((token) => passes(token)));
      fetches(2);
    },
  ),
  scene('no keys for signed answers: 502', { client: fetching, says: good }, async ({ server, refuses }) => {
    server.answerAt('/jwks', status(500));
    await refuses(unreliable);
  }),
  scene(
    'keys for signed answers that never come: 504 at the deadline',
    { client: (server) => ({ ...fetching(server), timeoutSeconds: 0.2 }), says: good },
    async ({ server, refuses }) => {
      server.answerAt('/jwks', neverAnswer());
      await refuses(unknown.timedOut);
    },
  ),
  ...signedMemberCases,
  ...encryptedAnswerCases,
];
