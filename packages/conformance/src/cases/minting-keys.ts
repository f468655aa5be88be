import { jwtMinter } from '@phantom-token/core';
import type { AdapterCase } from '../adapter.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { unknown } from '../expected-answers.js';
import type { JwtSigner } from '../jwt-samples.js';
import { codes, createKey, issuer, minting, sampleKey, verified } from '../minting-stage.js';
import type { Stage } from '../stage.js';

const failures: readonly (readonly [how: string, keys: () => never])[] = [
  [
    'throws',
    () => {
      throw new Error(canaries.secret);
    },
  ],
  ['gives no key', () => undefined as never],
];

/** Where a minter's keys come from a function: its failures, and rotation. */
export const mintingKeyCases: readonly AdapterCase[] = [
  ...failures.map(([how, fail]) =>
    minting(
      `a key function that ${how} at first: 502, and it is asked again`,
      {},
      async (stage, { signer }) => {
        const { jwk } = await sampleKey();
        let asked = 0;
        const keys = () => (asked++ === 0 ? fail() : jwk);
        const door = await stage.mount({}, { mintJwt: jwtMinter({ issuer, keys }) });
        await door.refuses(unknown.unreliable);
        assertEqual(codes(stage), ['ERR_MINTING'], 'reported codes');
        await door.passes(undefined, { signer });
      },
    ),
  ),
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
