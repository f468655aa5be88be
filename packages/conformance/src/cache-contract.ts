import assert from 'node:assert/strict';
import type { CacheEntry, TokenCache } from '@phantom-token/core';

/** What a backend is; decides which of the contract's cases it has to meet. */
export interface CacheTraits {
  /** Whether other processes see what it holds. Such a tier must not keep inactive answers. */
  readonly shared: boolean;
}

/** A behaviour that every `TokenCache` has. It throws an AssertionError where this one has not. */
export interface CacheCase {
  readonly title: string;
  run(cache: TokenCache): Promise<void>;
}

const now = 1_800_000_000;

const active = (jwt = 'header.payload.signature', expiresAt = now + 60): CacheEntry => ({
  result: { active: true, jwt, claims: { sub: 'somebody', scope: 'read write' } },
  expiresAt,
});
const inactive: CacheEntry = { result: { active: false }, expiresAt: now + 60 };

/** Caches may freeze what they are given; comparing plain copies leaves that to them. */
const plain = (entry: CacheEntry | undefined): unknown =>
  entry === undefined ? undefined : JSON.parse(JSON.stringify(entry));

async function holds(cache: TokenCache, key: string, entry: CacheEntry | undefined): Promise<void> {
  assert.deepEqual(plain(await cache.get(key, now)), plain(entry));
}

const everyCache: readonly CacheCase[] = [
  {
    title: 'has nothing for a key that was never set',
    run: (cache) => holds(cache, 'unknown', undefined),
  },
  {
    title: 'returns what was set, deadline and all',
    async run(cache) {
      await cache.set('key', active(), now);
      await holds(cache, 'key', active());
    },
  },
  {
    title: 'keeps deadlines that are no whole numbers',
    async run(cache) {
      await cache.set('key', active('j', now + 60.125), now);
      await holds(cache, 'key', active('j', now + 60.125));
    },
  },
  {
    title: 'keeps claims of every shape and name',
    async run(cache) {
      const claims = JSON.parse(
        '{"__proto__":{"a":1},"constructor":"c","aud":["a","b"],"cnf":{"jkt":"x"},"é 😀":[null,true,1.5,{"deep":[[]]}],"":""}',
      );
      const entry: CacheEntry = { result: { active: true, jwt: 'j', claims }, expiresAt: now + 60 };
      await cache.set('key', entry, now);
      await holds(cache, 'key', entry);
    },
  },
  {
    title: 'keeps a JWT of 64 KiB',
    async run(cache) {
      await cache.set('key', active('x'.repeat(65_536)), now);
      await holds(cache, 'key', active('x'.repeat(65_536)));
    },
  },
  {
    title: 'returns the latest of what was set',
    async run(cache) {
      await cache.set('key', active('first'), now);
      await cache.set('key', active('second', now + 90), now);
      await holds(cache, 'key', active('second', now + 90));
    },
  },
  {
    title: 'forgets what is deleted, and nothing else',
    async run(cache) {
      await cache.set('one', active('1'), now);
      await cache.set('other', active('2'), now);
      await cache.delete('one');
      await holds(cache, 'one', undefined);
      await holds(cache, 'other', active('2'));
    },
  },
  {
    title: 'deletes a key that is not there without complaint',
    async run(cache) {
      await cache.delete('unknown');
    },
  },
  {
    title: 'tells keys apart, however alike',
    async run(cache) {
      const keys = [
        'a',
        'A',
        'aa',
        'a:',
        ':a',
        'a*',
        'a b',
        'é',
        '__proto__',
        'constructor',
        'k'.repeat(512),
        `${'k'.repeat(511)}l`,
      ];
      for (const key of keys) await cache.set(key, active(key), now);
      for (const key of keys) await holds(cache, key, active(key));
    },
  },
  {
    title: 'moves no deadline on reading',
    async run(cache) {
      await cache.set('key', active('j', now + 2), now);
      for (const later of [0, 0.5, 1, 1.9]) {
        const entry = await cache.get('key', now + later);
        assert.equal(entry?.expiresAt, now + 2);
      }
    },
  },
  {
    title: 'passes on no entry past its deadline as if it were fresh',
    async run(cache) {
      await cache.set('key', active('j', now + 1), now);
      const entry = await cache.get('key', now + 1);
      assert.ok(entry === undefined || entry.expiresAt === now + 1);
    },
  },
  {
    title: 'takes an entry that is past its deadline already',
    async run(cache) {
      await cache.set('key', active('j', now - 1), now);
      const entry = await cache.get('key', now);
      assert.ok(entry === undefined || entry.expiresAt === now - 1);
    },
  },
  {
    title: 'works without being told the time',
    async run(cache) {
      const soon = Date.now() / 1000 + 60;
      await cache.set('key', active('j', soon));
      assert.deepEqual(plain(await cache.get('key')), plain(active('j', soon)));
    },
  },
  {
    title: 'gives readers nothing with which they could change what the next one sees',
    async run(cache) {
      await cache.set('key', active(), now);
      const entry = await cache.get('key', now);
      assert.ok(entry?.result.active);
      for (const target of [entry, entry.result, entry.result.claims])
        Reflect.set(target, 'sub', 'somebody else');
      Reflect.set(entry, 'expiresAt', now + 9999);
      await holds(cache, 'key', active());
    },
  },
  {
    title: 'is not changed through what it was given',
    async run(cache) {
      const entry = active();
      await cache.set('key', entry, now);
      Reflect.set(entry, 'expiresAt', now + 9999);
      if (entry.result.active) Reflect.set(entry.result.claims, 'sub', 'somebody else');
      await holds(cache, 'key', active());
    },
  },
  {
    title: 'serves many at once',
    async run(cache) {
      const keys = Array.from({ length: 200 }, (_, index) => `key${index}`);
      await Promise.all(keys.map(async (key) => cache.set(key, active(key), now)));
      await Promise.all(keys.map((key) => holds(cache, key, active(key))));
    },
  },
];

const sharedTier: CacheCase = {
  title: 'keeps no inactive answer, since others would believe it',
  async run(cache) {
    await cache.set('key', inactive, now);
    await holds(cache, 'key', undefined);
  },
};

const nearTier: readonly CacheCase[] = [
  {
    title: 'keeps inactive answers',
    async run(cache) {
      await cache.set('key', inactive, now);
      await holds(cache, 'key', inactive);
    },
  },
  {
    title: 'lets an answer change from active to inactive and back',
    async run(cache) {
      await cache.set('key', active(), now);
      await cache.set('key', inactive, now);
      await holds(cache, 'key', inactive);
      await cache.set('key', active(), now);
      await holds(cache, 'key', active());
    },
  },
];

/**
 * The whole contract of `TokenCache`, for any test runner. Every case wants an empty cache:
 *
 * ```ts
 * describe('my cache', () => {
 *   for (const { title, run } of cacheContract({ shared: true })) it(title, () => run(myCache()));
 * });
 * ```
 */
export function cacheContract({ shared }: CacheTraits): readonly CacheCase[] {
  return shared ? [...everyCache, sharedTier] : [...everyCache, ...nearTier];
}
