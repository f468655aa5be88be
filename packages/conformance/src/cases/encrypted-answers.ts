import { type CryptoKey, exportPKCS8, importJWK, type JWK } from 'jose';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { unknown } from '../expected-answers.js';
import {
  type AnswerRow,
  altered,
  answerKeys,
  answerWith,
  createAnswerKeys,
  encryptAnswer,
  framed,
  settle,
  signedAnswer,
  unsignedAnswer,
  verifying,
} from '../signed-answer-samples.js';
import type { ClientSetting } from '../stage.js';

const { unreliable } = unknown;

const opening =
  (giveKeys: () => Promise<readonly JWK[]>): ClientSetting =>
  async (server) =>
    settle(verifying({ decryptionKey: await giveKeys() }), server);

const named = async (kid: string): Promise<JWK> => ({ ...(await ourKey()), kid });

const ourKey = async () => (await answerKeys()).decryptionKey;
const otherKey = async () => (await createAnswerKeys()).decryptionKey;
const client = opening(async () => [await ourKey()]);

const encrypted = altered((jws) => encryptAnswer(jws));

/** The name of our key, and the one in the answer. */
const kids: readonly (readonly [what: string, ours: string | undefined, theirs: string | undefined])[] = [
  ['that names our key', 'ours', 'ours'],
  ['that names a key where ours has no name', undefined, 'theirs'],
  ['that names no key where ours has a name', 'ours', undefined],
];

const ourPem = async () => {
  const key = await importJWK(await ourKey(), 'ECDH-ES', { extractable: true });
  return exportPKCS8(key as CryptoKey);
};

const unopened: readonly AnswerRow[] = [
  ['for which there is no key', encrypted, verifying()],
  [
    'that names another key than ours',
    altered((jws) => encryptAnswer(jws, { kid: 'theirs' })),
    opening(async () => [await named('ours')]),
  ],
  ['for another key', encrypted, opening(async () => [await otherKey()])],
  ['that is not signed', answerWith(async () => encryptAnswer(await unsignedAnswer('none', '')))],
  ['whose signature nobody made', answerWith(async () => encryptAnswer(await unsignedAnswer('ES256')))],
  ['of bare JSON', answerWith(() => encryptAnswer('{"active":true}'))],
  [
    'for another resource server',
    answerWith(async () => encryptAnswer(await signedAnswer({ aud: 'other' }), { aud: 'conformance' })),
  ],
  ['that is compressed', altered((jws) => encryptAnswer(jws, { zip: 'DEF' }))],
  ['with alg ECDH-ES+A192KW', altered((jws) => encryptAnswer(jws, { alg: 'ECDH-ES+A192KW' }))],
  ['with enc A192GCM', altered((jws) => encryptAnswer(jws, { enc: 'A192GCM' }))],
];

/** With a `decryptionKey`, signed answers may come encrypted (RFC 9701 §6). */
export const encryptedAnswerCases = [
  row('an encrypted answer passes', { client, says: encrypted }),
  row('an encrypted answer for one of several keys passes', {
    client: opening(async () => [await otherKey(), await ourKey()]),
    says: encrypted,
  }),
  ...kids.map(([what, ours, theirs]) =>
    row(`an encrypted answer passes ${what}`, {
      client: opening(async () => [ours === undefined ? await ourKey() : await named(ours)]),
      says: altered((jws) => encryptAnswer(jws, theirs === undefined ? {} : { kid: theirs })),
    }),
  ),
  row('an encrypted answer for a key in PEM passes', {
    client: async (server) => settle(verifying({ decryptionKey: await ourPem() }), server),
    says: encrypted,
  }),
  scene('a key to decrypt with that was replaced is read anew', {}, async (stage) => {
    const [old, next] = await Promise.all([answerKeys(), createAnswerKeys()]);
    let keys = [old.decryptionKey];
    const setting = verifying({ decryptionKey: () => keys });
    const door = await stage.mount({}, await settle(setting, stage.server));
    stage.server.answer(encrypted);
    await door.passes('Bearer before');
    keys = [next.decryptionKey];
    stage.server.answer(altered((jws) => encryptAnswer(jws, {}, next.recipient)));
    await door.passes('Bearer after');
  }),
  row('a signed answer passes where it may be encrypted', { client, says: framed() }),
  ...unopened.map(([what, says, given = client]) =>
    row(`an encrypted answer ${what}: 502`, { client: given, says, gets: unreliable }),
  ),
  scene(
    'an encrypted answer without a key for it is told with the cure',
    { client: verifying(), says: encrypted },
    async ({ refuses, events }) => {
      await refuses(unreliable);
      const told = events.some((event) => 'message' in event && event.message.includes('decryptionKey'));
      assertEqual(told, true, 'whether the message names decryptionKey');
    },
  ),
  scene(
    'an encrypted answer of other algorithms is told with those that count',
    { client, says: altered((jws) => encryptAnswer(jws, { enc: 'A192GCM' })) },
    async ({ refuses, events }) => {
      await refuses(unreliable);
      const told = events.some((event) => 'message' in event && event.message.includes('A256GCM'));
      assertEqual(told, true, 'whether the message names the algorithms');
    },
  ),
];
