import { dpopNonces } from '@phantom-token/core';
import { assertEqual, assertRefused } from '../assertions.js';
import { dpopScene, refused, withProofs } from '../dpop-stage.js';
import { unknown } from '../expected-answers.js';
import type { Door, SentRequest } from '../stage.js';

const secret = 'a secret that every instance knows';
const nonce = () => dpopNonces({ secret, lifetimeSeconds: 100 });

/** A proof needs a nonce of ours, which holds for a while, where nonces are asked for (RFC 9449 §9). */
export const dpopNonceCases = [
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
      const stranger = await another({
        nonce: dpopNonces({ secret: `${secret}, or not`, lifetimeSeconds: 100 }),
      });
      await nonceOf(stranger, withProofs(client.prove({ nonce: given })));
    },
    { nonce: nonce() },
  ),
  dpopScene('a secret for nonces that was replaced is read anew', async ({ client, another, stage }) => {
    let current = secret;
    const door = await another({ nonce: dpopNonces({ secret: () => current, lifetimeSeconds: 100 }) });
    await nonceOf(door, withProofs(client.prove()));
    current = `${secret}, but newer`;
    stage.clock.advance(100);
    const given = await nonceOf(door, withProofs(client.prove()));
    const newer = await another({ nonce: dpopNonces({ secret: current, lifetimeSeconds: 100 }) });
    await givesNoNonce(newer, withProofs(client.prove({ nonce: given })));
  }),
  dpopScene(
    'a secret for nonces that cannot be read: 502, and it is read again',
    async ({ client, another }) => {
      let asked = 0;
      const read = () => (asked++ === 0 ? Promise.reject(new Error('broken')) : secret);
      const door = await another({ nonce: dpopNonces({ secret: read }) });
      await door.refuses(unknown.unreliable, withProofs(client.prove()));
      await nonceOf(door, withProofs(client.prove()));
    },
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
