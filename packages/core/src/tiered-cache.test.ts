import { describe, expect, it } from 'vitest';
import type { CacheEntry, TokenCache } from './cache.js';
import { memoryCache } from './memory-cache.js';
import { tieredCache } from './tiered-cache.js';

const entry = (expiresAt = 100): CacheEntry => ({
  result: { active: true, jwt: 'a.b.c', claims: {} },
  expiresAt,
});
const inactive: CacheEntry = { result: { active: false }, expiresAt: 100 };

/** The same tier behind promises, as a network makes it. */
const later = (cache: TokenCache): TokenCache => ({
  get: async (key, now) => cache.get(key, now),
  set: async (key, it) => cache.set(key, it),
  delete: async (key) => cache.delete(key),
});

function makeTiers() {
  const near = memoryCache();
  const far = memoryCache();
  return { near, far, cache: tieredCache(near, later(far)) };
}

describe('tieredCache', () => {
  it('answers a near hit without a promise', async () => {
    const { cache } = makeTiers();
    await cache.set('k', entry());
    expect(cache.get('k', 50)).toEqual(entry());
  });

  it('promotes what only the far tier has, with its deadline as it was', async () => {
    const { cache, near, far } = makeTiers();
    far.set('k', entry(77));
    expect(await cache.get('k', 50)).toEqual(entry(77));
    expect(near.get('k')).toEqual(entry(77));
  });

  it('looks into the far tier when the near entry is past its deadline', async () => {
    const { cache, near, far } = makeTiers();
    near.set('k', entry(40));
    far.set('k', entry(90));
    expect(await cache.get('k', 50)).toEqual(entry(90));
    expect(near.get('k', 50)).toEqual(entry(90));
  });

  it('does not promote what is past its deadline', async () => {
    const { near, far } = makeTiers();
    const cache = tieredCache(near, { ...far, get: (key: string) => far.get(key) });
    far.set('k', entry(40));
    await cache.get('k', 50);
    expect(near.get('k')).toBeUndefined();
  });

  it('works over a near tier that is asynchronous', async () => {
    const near = memoryCache();
    const far = memoryCache();
    const cache = tieredCache(later(near), later(far));
    far.set('k', entry());
    expect(await cache.get('k', 50)).toEqual(entry());
    expect(near.get('k')).toEqual(entry());
    expect(await cache.get('k', 50)).toEqual(entry());
  });

  it('keeps inactive answers near', async () => {
    const { cache, near, far } = makeTiers();
    await cache.set('k', inactive);
    expect(near.get('k')).toEqual(inactive);
    expect(far.get('k')).toBeUndefined();
  });

  it('deletes from both', async () => {
    const { cache, near, far } = makeTiers();
    await cache.set('k', entry());
    await cache.delete('k');
    expect([near.get('k'), far.get('k')]).toEqual([undefined, undefined]);
  });

  it('has nothing where neither tier has it', async () =>
    expect(await makeTiers().cache.get('k', 50)).toBeUndefined());
});
