import { describe, expect, it, vi } from 'vitest';
import type { CacheClaim, CacheEntry, TokenCache } from './cache.js';
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

  it('is looked into, forgotten and cleared near, not far', () => {
    const { cache, near, far } = makeTiers();
    for (const tier of [near, far]) for (const key of ['a', 'b']) tier.set(key, entry());
    expect(cache.memory?.peek('a')).toEqual(entry());
    cache.memory?.forget('a');
    expect([near.get('a'), near.get('b')]).toEqual([undefined, entry()]);
    cache.memory?.clear();
    expect([near.get('b'), far.get('a'), far.get('b')]).toEqual([undefined, entry(), entry()]);
  });

  it('does not say what it holds where the near tier does not', () => {
    const near = memoryCache();
    expect('memory' in tieredCache(later(near), near)).toBe(false);
  });

  it('makes no claims where the far tier makes none', () => {
    const claim = async () => ({});
    const near = { ...memoryCache(), claim };
    expect('claim' in tieredCache(near, memoryCache())).toBe(false);
  });

  describe('a claim', () => {
    const release = () => {};
    const claiming = (claimed: CacheClaim | undefined) => {
      const tiers = makeTiers();
      const asked: unknown[] = [];
      const far = {
        ...later(tiers.far),
        async claim(...args: unknown[]) {
          asked.push(args);
          return claimed as CacheClaim;
        },
      };
      return { ...tiers, asked, cache: tieredCache(tiers.near, far) };
    };

    it('is made in the far tier, and what it brings is promoted', async () => {
      const { cache, near, asked } = claiming({ entry: entry(), release });
      expect(await cache.claim?.('k', 50, 0.5)).toEqual({ entry: entry(), release });
      expect(asked).toEqual([['k', 50, 0.5]]);
      expect(near.get('k')).toEqual(entry());
    });

    it.each([[{ release }], [{}], [undefined]])('that brings %o promotes nothing', async (claimed) => {
      const { cache, near } = claiming(claimed);
      expect(await cache.claim?.('k', 50, 0.5)).toEqual(claimed ?? {});
      expect(near.get('k')).toBeUndefined();
    });

    it('that brings what is past its deadline promotes nothing', async () => {
      const { cache, near } = claiming({ entry: entry(50) });
      await cache.claim?.('k', 50, 0.5);
      expect(near.get('k')).toBeUndefined();
    });

    it('that brings what is here already changes nothing', async () => {
      const { cache, near } = claiming({ entry: entry(100) });
      near.set('k', entry(100));
      const held = near.get('k');
      await cache.claim?.('k', 50, 0.5);
      expect(near.get('k')).toBe(held);
    });

    it('that brings a later one replaces it', async () => {
      const { cache, near } = claiming({ entry: entry(101) });
      near.set('k', entry(100));
      await cache.claim?.('k', 50, 0.5);
      expect(near.get('k')).toEqual(entry(101));
    });

    it('is given back when the near tier fails', async () => {
      const given = { release: vi.fn() };
      const failing = { ...memoryCache(), set: () => Promise.reject(new Error('full')) };
      const far = { ...memoryCache(), claim: async () => ({ entry: entry(), release: given.release }) };
      await expect(tieredCache(failing, far).claim?.('k', 50, 0.5)).rejects.toThrow('full');
      expect(given.release).toHaveBeenCalledTimes(1);
    });
  });
});
