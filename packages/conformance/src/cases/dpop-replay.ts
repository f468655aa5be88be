import { dpopNonces, memoryReplayStore } from '@phantom-token/core';
import { assertEqual, assertRefused } from '../assertions.js';
import { dpopScene, refused, withProofs } from '../dpop-stage.js';
import { unknown } from '../expected-answers.js';
import type { Door, SentRequest } from '../stage.js';

const secret = 'a secret that every instance knows';
const nonce = () => dpopNonces({ secret, lifetimeSeconds: 100 });

/** How long a proof is of use: once, while it is young, and with a nonce that holds (RFC 9449 §9, §11.1). */
export const dpopReplayCases = [
  dpopScene('a proof ages, though the token is cached', async ({ door, client, stage }) => {
    const [early, late, never] = [client.prove(), client.prove(), client.prove()];
    await door.passes(withProofs(early));
    stage.clock.advance(64);
    await door.passes(withProofs(late), { source: 'memory' });
    stage.clock.advance(1);
    await door.refuses(refused.faulty('iat'), withProofs(never));
    await door.passes(withProofs(client.prove()), { source: 'memory' });
    stage.asked(1);
  }),
  dpopScene('a proof is of use once', async ({ door, client, stage }) => {
    const proof = client.prove();
    await door.passes(withProofs(proof));
    await door.refuses(refused.replayed, withProofs(proof));
    stage.clock.advance(64);
    await door.refuses(refused.replayed, withProofs(proof));
    await door.passes(withProofs(client.prove()));
    stage.asked(1);
  }),
  dpopScene('a proof with the jti of another is a proof that was used', async ({ door, client }) => {
    await door.passes(withProofs(client.prove({ jti: 'the same' })));
    await door.refuses(refused.replayed, withProofs(client.prove({ jti: 'the same' })));
    await door.passes(withProofs(client.prove({ jti: 'The same' })));
  }),
  dpopScene('a giant jti is of use once, like any other', async ({ door, client }) => {
    const giant = 'x'.repeat(4000);
    await door.passes(withProofs(client.prove({ jti: giant })));
    await door.refuses(refused.replayed, withProofs(client.prove({ jti: giant })));
    await door.passes(withProofs(client.prove({ jti: `${giant}x` })));
  }),
  dpopScene('a proof is not used up by a request that is refused for it', async ({ door, client }) => {
    const proof = client.prove();
    await door.refuses(refused.faulty('htu'), { ...withProofs(proof), target: '/other' });
    await door.refuses(refused.faulty('htm'), { ...withProofs(proof), method: 'POST' });
    await door.refuses(refused.faulty('jwt'), withProofs(proof, proof));
    await door.passes(withProofs(proof));
  }),
  dpopScene(
    'a proof that was used on one instance is of no use on another that shares the store',
    async ({ door, client, another, stage }) => {
      const other = await another({}, {});
      const proof = client.prove();
      await door.passes(withProofs(proof));
      await other.refuses(refused.replayed, withProofs(proof));
      await other.passes(withProofs(client.prove()));
      stage.asked(2);
    },
    { replayStore: memoryReplayStore() },
  ),
  dpopScene('a store of used proofs that fails refuses for now', async ({ client, another }) => {
    const door = await another({ replayStore: { add: async () => Promise.reject(new Error('broken')) } });
    await door.refuses(unknown.busy(1), withProofs(client.prove()));
  }),
  dpopScene(
    'a client is given a nonce, and uses it as long as it holds',
    async ({ door, client, stage }) => {
      const given = await nonceOf(door, withProofs(client.prove()));
      await givesNoNonce(door, withProofs(client.prove({ nonce: given })));
      await givesNoNonce(door, withProofs(client.prove({ nonce: given })));
      stage.clock.advance(100);
      const next = await passesWithNonce(door, withProofs(client.prove({ nonce: given })));
      await givesNoNonce(door, withProofs(client.prove({ nonce: next })));
      stage.clock.advance(100);
      assertEqual(
        (await nonceOf(door, withProofs(client.prove({ nonce: given })))) === given,
        false,
        'an old nonce',
      );
      await passesWithNonce(door, withProofs(client.prove({ nonce: next })));
      stage.asked(1);
    },
    { nonce: nonce() },
  ),
  dpopScene(
    'a nonce that was made up is refused like none',
    async ({ door, client }) => {
      const given = await nonceOf(door, withProofs(client.prove()));
      for (const wrong of ['', 'made up', given.slice(1), given.toLowerCase(), 7])
        assertEqual(await nonceOf(door, withProofs(client.prove({ nonce: wrong }))), given, 'the nonce');
    },
    { nonce: nonce() },
  ),
  dpopScene(
    'a nonce of one instance is accepted by another with the same secret, and by no other',
    async ({ door, client, another }) => {
      const given = await nonceOf(door, withProofs(client.prove()));
      const same = await another({ nonce: nonce() });
      await givesNoNonce(same, withProofs(client.prove({ nonce: given })));
      const stranger = await another({ nonce: dpopNonces({ secret: `${secret}, or not` }) });
      await nonceOf(stranger, withProofs(client.prove({ nonce: given })));
    },
    { nonce: nonce() },
  ),
  dpopScene(
    'a proof that is wanting beside its nonce is told that',
    async ({ door, client }) => {
      await door.refuses(refused.faulty('htm'), withProofs(client.prove({ htm: 'POST' })));
      await door.refuses(refused.withoutProof, withProofs());
    },
    { nonce: nonce() },
  ),
];

/** The request is refused for want of a nonce; the one that the client is given. */
async function nonceOf(door: Door, sent: SentRequest): Promise<string> {
  const response = await door.send(sent).response;
  assertRefused(response, refused.withoutNonce);
  return readNonce(response.header('DPoP-Nonce'));
}

/** The request passes; the nonce that the client is given for the next. */
async function passesWithNonce(door: Door, sent: SentRequest): Promise<string> {
  const response = await door.passes(sent);
  return readNonce(response.header('DPoP-Nonce'));
}

async function givesNoNonce(door: Door, sent: SentRequest): Promise<void> {
  const response = await door.passes(sent);
  assertEqual(response.header('DPoP-Nonce'), undefined, 'DPoP-Nonce');
}

function readNonce(field: string | undefined): string {
  assertEqual(/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(field ?? ''), true, 'whether DPoP-Nonce is one nonce');
  return field ?? '';
}
