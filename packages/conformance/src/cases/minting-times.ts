import type { AdapterCase } from '../adapter.js';
import { assertEqual } from '../assertions.js';
import { startAt } from '../clock.js';
import { type Minting, minting, saying, verified, without } from '../minting-stage.js';

const lifetimes: readonly (readonly [what: string, setting: Minting, most: number])[] = [
  ['a token that ends in an hour', {}, 310],
  ['a token that ends in 100 s', { says: saying({ exp: startAt + 100 }) }, 100],
  ['a token that ends in 5 s', { says: saying({ exp: startAt + 5 }) }, 5],
  ['a token without exp', { says: without('exp') }, 10],
  ['an answer under no-store', { says: saying({}, { 'Cache-Control': 'no-store' }) }, 10],
  ['an answer under max-age=30', { says: saying({}, { 'Cache-Control': 'max-age=30' }) }, 40],
  ['an answer with maxTtlSeconds: 20', { client: { maxTtlSeconds: 20 } }, 30],
  ['an answer with earlyExpirySeconds: 60', { client: { earlyExpirySeconds: 60 } }, 360],
  ['an answer with earlyExpirySeconds: 0', { client: { earlyExpirySeconds: 0 } }, 310],
];

/** How long minted JWTs live, and how often one is made. */
export const mintingTimeCases: readonly AdapterCase[] = [
  ...lifetimes.map(([what, setting, seconds]) =>
    minting(`${what} gets a JWT that ends after ${seconds} s`, setting, async (stage, mint) => {
      await stage.passes(undefined, { signer: mint.signer });
      const { exp } = await verified(mint, 0, stage.clock());
      assertEqual(exp, startAt + seconds, 'exp');
    }),
  ),
  minting('a JWT is minted once for each cache entry', {}, async (stage, mint) => {
    const { signer, jwts } = mint;
    await stage.passes(undefined, { signer, source: 'introspection' });
    stage.clock.advance(299);
    await stage.passes(undefined, { signer, source: 'memory' });
    assertEqual(jwts[0] === jwts[1], true, 'whether a hit has the same JWT');
    await verified(mint, 1, stage.clock());
    stage.clock.advance(1);
    await stage.passes(undefined, { signer, source: 'introspection' });
    assertEqual(jwts[0] === jwts[2], false, 'whether a later entry has the same JWT');
    await verified(mint, 2, stage.clock());
    stage.asked(2);
  }),
  minting('requests that come together get one JWT', {}, async (stage, { signer, jwts }) => {
    await Promise.all([1, 2, 3, 4].map(() => stage.passes(undefined, { signer })));
    assertEqual(new Set(jwts).size, 1, 'JWTs');
    stage.asked(1);
  }),
];
