import { describe, expect, it } from 'vitest';
import type { CacheClaim, CacheEntry } from './cache.js';
import { memoryCache } from './memory-cache.js';
import { tieredCache } from './tiered-cache.js';

const entry: CacheEntry = { result: { active: true, jwt: 'a.b.c', claims: {} }, expiresAt: 100 };
const newer: CacheEntry = { result: { active: true, jwt: 'd.e.f', claims: {} }, expiresAt: 120 };
const inactive: CacheEntry = { result: { active: false }, expiresAt: 100 };

/** Work that is done when it is let. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Memory in front of a tier that has read at once what it answers later. */
function setUp() {
  const near = memoryCache();
  const shared = memoryCache();
  const gates = { read: gate(), removal: gate() };
  gates.removal.open();
  const claim = async (): Promise<CacheClaim> => {
    const read = shared.get('k');
    await gates.read.opened;
    return { ...(read && { entry: read }) };
  };
  const far = {
    claim,
    get: async (key: string) => {
      const read = shared.get(key);
      await gates.read.opened;
      return read;
    },
    set: async (key: string, it: CacheEntry) => shared.set(key, it),
    delete: async (key: string) => {
      await gates.removal.opened;
      shared.delete(key);
    },
  };
  shared.set('k', entry);
  return { near, shared, gates, cache: tieredCache(near, far) };
}

describe('a read of the far tier that comes back late', () => {
  it('undoes no deletion, and finds nothing', async () => {
    const { cache, near, gates } = setUp();
    const reading = cache.get('k', 50);
    await cache.delete('k');
    gates.read.open();
    expect(await reading).toBeUndefined();
    expect(near.get('k')).toBeUndefined();
  });

  it('undoes no deletion that was under way when it began', async () => {
    const { cache, near, gates } = setUp();
    gates.removal = gate();
    const deleting = cache.delete('k');
    const reading = cache.get('k', 50);
    gates.read.open();
    expect(await reading).toBeUndefined();
    gates.removal.open();
    await deleting;
    expect(near.get('k')).toBeUndefined();
  });

  it('undoes no deletion that ended while it was in the air', async () => {
    const { cache, near, gates } = setUp();
    gates.removal = gate();
    const deleting = cache.delete('k');
    const reading = cache.get('k', 50);
    gates.removal.open();
    await deleting;
    gates.read.open();
    expect(await reading).toBeUndefined();
    expect(near.get('k')).toBeUndefined();
  });

  it.each([
    ['an inactive answer', inactive],
    ['a newer answer', newer],
  ])('does not replace %s that was stored meanwhile, and finds that', async (_what, stored) => {
    const { cache, near, gates } = setUp();
    const reading = cache.get('k', 50);
    await cache.set('k', stored, 50);
    gates.read.open();
    expect(await reading).toEqual(stored);
    expect(near.get('k')).toEqual(stored);
  });

  it('is promoted where another key was changed', async () => {
    const { cache, near, gates } = setUp();
    const reading = cache.get('k', 50);
    await cache.delete('other');
    gates.read.open();
    expect(await reading).toEqual(entry);
    expect(near.get('k')).toEqual(entry);
  });

  it('is promoted where the key was changed before', async () => {
    const { cache, near, shared, gates } = setUp();
    await cache.delete('k');
    shared.set('k', entry);
    gates.read.open();
    expect(await cache.get('k', 50)).toEqual(entry);
    expect(near.get('k')).toEqual(entry);
  });
});

it('a claim brings nothing that was deleted meanwhile', async () => {
  const { cache, near, gates } = setUp();
  const claiming = cache.claim?.('k', 50, 1);
  await cache.delete('k');
  gates.read.open();
  expect(await claiming).toEqual({});
  expect(near.get('k')).toBeUndefined();
});
