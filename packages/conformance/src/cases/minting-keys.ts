import { jwtMinter } from '@phantom-token/core';
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose';
import type { AdapterCase } from '../adapter.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { unknown } from '../expected-answers.js';
import type { JwtSigner } from '../jwt-samples.js';
import { codes, createKey, issuer, minting, sampleKey, verified } from '../minting-stage.js';
import type { Stage } from '../stage.js';

type Give = (own: JWK) => JWK | readonly JWK[] | Promise<JWK>;

const failures: readonly (readonly [how: string, give: Give, told: string])[] = [
  ['throws', () => Promise.reject(new Error(canaries.secret)), 'could not be read'],
  ['gives no key', () => [], 'at least one'],
  ['gives one key twice', (own) => [own, own], 'differ in their kid'],
];

/** Where a minter's keys come from a function: its failures, and rotation. */
export const mintingKeyCases: readonly AdapterCase[] = [
  ...failures.map(([how, give, told]) =>
    minting(
      `a key function that ${how} at first: 502, and it is asked again`,
      {},
      async (stage, { signer }) => {
        const { jwk } = await sampleKey();
        let asked = 0;
        const keys = () => (asked++ === 0 ? give(jwk) : jwk);
        const door = await stage.mount({}, { mintJwt: jwtMinter({ issuer, keys }) });
        await door.refuses(unknown.unreliable);
        assertEqual(codes(stage), ['ERR_MINTING'], 'reported codes');
        const messages = stage.events.flatMap((event) => ('message' in event ? [event.message] : []));
        assertEqual(
          [messages.join().includes(told), messages.join().includes('CANARY')],
          [true, false],
          'words',
        );
        await door.passes(undefined, { signer });
      },
    ),
  ),
  minting('a key function is asked once for many tokens', {}, async (stage, { signer }) => {
    const { jwk } = await sampleKey();
    let asked = 0;
    const minter = jwtMinter({ issuer, keys: () => [jwk].slice(0, ++asked) });
    const door = await stage.mount({}, { mintJwt: minter });
    for (const token of [1, 2, 3]) await door.passes(`Bearer ${token}`, { signer });
    assertEqual(asked, 1, 'readings of the keys');
  }),
  minting('a key without a kid is known by its thumbprint', {}, async (stage, { jwts }) => {
    const { kid, ...jwk } = (await sampleKey()).jwk;
    const minter = jwtMinter({ issuer, keys: jwk });
    const { signer } = await sampleKey();
    const door = await stage.mount({}, { mintJwt: minter });
    await door.passes(undefined, { signer });
    const thumbprint = await calculateJwkThumbprint(jwk);
    const [published] = (await minter.jwks()).keys;
    const { kid: named } = decodeProtectedHeader(jwts[0] ?? '');
    assertEqual([published?.kid, named], [thumbprint, thumbprint], 'kid');
  }),
  minting('keys that were read late do not replace newer ones', {}, async (_stage, { signer }) => {
    const [old, next] = await Promise.all([sampleKey(), createKey('next')]);
    let open = () => {};
    const late = new Promise<JWK>((resolve) => {
      open = () => resolve(old.jwk);
    });
    const answers = [old.jwk, late];
    const minter = jwtMinter({
      issuer,
      keys: () => answers.shift() ?? next.jwk,
      keysReloadSeconds: 1e-6,
    });
    const kid = async () => (await minter.jwks()).keys[0]?.kid;
    assertEqual(await kid(), signer.jwk.kid, 'the first key');
    // a turn of the event loop: where keys are made without one, nothing that is read would ever come
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    while ((await kid()) !== 'next') await turn();
    open();
    for (let times = 0; times < 5; times++) await turn();
    assertEqual(await kid(), 'next', 'the key after an old one has come');
  }),
  minting(
    'while keys rotate nothing is refused, and every JWT verifies',
    {},
    async (stage, { signer, jwts }) => {
      const [old, next] = [await sampleKey(), await createKey('next')];
      let keys = [old.jwk];
      const minter = jwtMinter({ issuer, keys: () => keys, keysReloadSeconds: 1e-6 });
      const door = await stage.mount({}, { mintJwt: minter });
      let tokens = 0;
      const passesOne = (signers: readonly JwtSigner[]) =>
        passesWith(door, `Bearer token-${++tokens}`, signers);
      const shows = async (...kids: readonly string[]) => {
        // the function is asked behind the requests, so that it takes some until its answer is used
        while ((await minter.jwks()).keys.map(({ kid }) => kid).join() !== kids.join())
          await passesOne([signer, next.signer]);
      };
      await passesOne([signer]);
      keys = [old.jwk, next.jwk];
      await shows('ours', 'next');
      await passesOne([signer]);
      keys = [next.jwk, old.jwk];
      await shows('next', 'ours');
      await passesOne([next.signer]);
      for (const at of jwts.keys()) await verified({ minter, signer, jwts }, at, stage.clock());
    },
  ),
];

/** Passes with a JWT of one of these signers. */
async function passesWith(
  door: Pick<Stage, 'passes'>,
  sent: string,
  [signer, ...others]: readonly JwtSigner[],
): Promise<void> {
  try {
    await door.passes(sent, signer === undefined ? {} : { signer });
  } catch (error) {
    if (others.length === 0) throw error;
    // the same token again: the handler sees the same JWT
    await passesWith(door, sent, others);
  }
}
