import type { JWK } from 'jose';
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
  signedAnswer,
  unsignedAnswer,
  verifying,
} from '../signed-answer-samples.js';
import type { ClientSetting } from '../stage.js';

const { unreliable } = unknown;

const opening =
  (giveKeys: () => Promise<readonly JWK[]>): ClientSetting =>
  async (server) => {
    const setting = verifying({ decryptionKey: await giveKeys() });
    return typeof setting === 'function' ? setting(server) : setting;
  };

const ourKey = async () => (await answerKeys()).decryptionKey;
const otherKey = async () => (await createAnswerKeys()).decryptionKey;
const client = opening(async () => [await ourKey()]);

const encrypted = altered((jws) => encryptAnswer(jws));

const unopened: readonly AnswerRow[] = [
  ['for which there is no key', encrypted, verifying()],
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
];
