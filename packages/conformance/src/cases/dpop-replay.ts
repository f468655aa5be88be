import { memoryReplayStore, type ReplayStore } from '@phantom-token/core';
import { jwt } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { createProver } from '../dpop-proofs.js';
import { dpopScene, refused, withProofs } from '../dpop-stage.js';
import { unknown } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';

/** How long a proof is of use: once, and while it is young (RFC 9449 §11.1). */
export const dpopReplayCases = [
  dpopScene('a proof of a clock that is 5 s ahead passes', async ({ door, client, stage }) => {
    await door.passes(withProofs(client.prove({ iat: stage.clock() + 5 })));
  }),
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
  dpopScene('nobody uses up the jti of a proof without its key', async ({ door, client, stage }) => {
    const forged = createProver(stage.clock).prove({ jti: 'seen' }, { jwk: client.jwk });
    await door.refuses(refused.faulty('signature'), withProofs(forged));
    await door.passes(withProofs(client.prove({ jti: 'seen' })));
  }),
  dpopScene(
    'two clients may choose the same jti',
    async ({ door, client, another, stage }) => {
      await door.passes(withProofs(client.prove({ jti: 'the same' })));
      const other = createProver(stage.clock);
      stage.server.answer(jwt({ ...goodClaims, cnf: { jkt: other.jkt } }));
      const elsewhere = await another({}, {});
      await elsewhere.passes(withProofs(other.prove({ jti: 'the same' })));
    },
    { replayStore: memoryReplayStore() },
  ),
  dpopScene('there is room for as many used proofs as configured, until they end', async (it) => {
    const { client, another, stage } = it;
    const door = await another({ replayStore: memoryReplayStore({ maxEntries: 2 }) });
    for (let round = 0; round < 2; round++) {
      await door.passes(withProofs(client.prove()));
      await door.passes(withProofs(client.prove()));
      await door.refuses(unknown.busy(1), withProofs(client.prove()));
      stage.clock.advance(75);
    }
  }),
  dpopScene(
    'a store of used proofs is given digests, and when they may go',
    async ({ client, another, stage }) => {
      const given: Parameters<ReplayStore['add']>[] = [];
      const add: ReplayStore['add'] = (...them) => given.push(them) > 0;
      const door = await another({ replayStore: { add } });
      await door.passes(withProofs(client.prove({ jti: 'CANARY' })));
      const [[key, expiresAt, now] = ['', 0, 0]] = given;
      const at = stage.clock();
      assertEqual([/^[\w-]{43}$/.test(key), expiresAt, now], [true, at + 65, at], 'digest, end and time');
    },
  ),
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
  dpopScene('a store that does not say that a proof is new has seen it', async ({ client, another }) => {
    const door = await another({ replayStore: { add: async () => undefined as never } });
    await door.refuses(refused.replayed, withProofs(client.prove()));
  }),
  dpopScene('a store of used proofs that fails refuses for now', async ({ client, another }) => {
    const door = await another({ replayStore: { add: async () => Promise.reject(new Error('broken')) } });
    await door.refuses(unknown.busy(1), withProofs(client.prove()));
  }),
];
