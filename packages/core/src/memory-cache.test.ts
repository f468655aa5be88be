import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { CacheEntry } from './cache.js';
import { memoryCache } from './memory-cache.js';

const active = (jwt = 'a.b.c', expiresAt = 100): CacheEntry => ({
  result: { active: true, jwt, claims: { sub: 's' } },
  expiresAt,
});
const inactive: CacheEntry = { result: { active: false }, expiresAt: 100 };

describe('memoryCache', () => {
  it('answers without a promise', () => {
    const cache = memoryCache();
    expect(cache.set('k', active())).toBeUndefined();
    expect(cache.get('k')).toEqual(active());
    expect(cache.delete('k')).toBeUndefined();
    expect(cache.get('k')).toBeUndefined();
  });

  it('bounds inactive entries apart, so that garbage evicts no good token', () => {
    const cache = memoryCache({ maxEntries: 2, maxInactiveEntries: 3 });
    cache.set('good', active());
    for (let index = 0; index < 1000; index++) cache.set(`bad${index}`, inactive);
    expect(cache.get('good')).toEqual(active());
    expect(cache.get('bad996')).toBeUndefined();
    expect(cache.get('bad999')).toEqual(inactive);
  });

  it('lets the least recently used go', () => {
    const cache = memoryCache({ maxEntries: 2 });
    cache.set('a', active('1'));
    cache.set('b', active('2'));
    cache.get('a');
    cache.set('c', active('3'));
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toEqual(active('1'));
  });

  it('replaces active by inactive and back', () => {
    const cache = memoryCache();
    cache.set('k', active());
    cache.set('k', inactive);
    expect(cache.get('k')).toEqual(inactive);
    cache.set('k', active());
    expect(cache.get('k')).toEqual(active());
  });

  it('drops what is past its deadline at the time of the read', () => {
    const cache = memoryCache();
    cache.set('k', active('j', 100));
    expect(cache.get('k', 99)).toEqual(active('j', 100));
    expect(cache.get('k', 100)).toBeUndefined();
    expect(cache.get('k')).toBeUndefined();
  });

  it('freezes what it keeps', () => {
    const cache = memoryCache();
    cache.set('k', active());
    const { result } = cache.get('k') as CacheEntry;
    expect(Object.isFrozen(result)).toBe(true);
    expect(result.active && Object.isFrozen(result.claims)).toBe(true);
  });

  it('shows nothing of what it keeps', () => {
    const cache = memoryCache();
    cache.set('k', active('jwt-in-memory'));
    expect(inspect(cache, { showHidden: true, depth: 9 })).not.toContain('jwt-in-memory');
  });

  it.each([
    ['maxEntries', { maxEntries: 0 }],
    ['maxInactiveEntries', { maxInactiveEntries: 1.5 }],
    ['maxEntires', { maxEntires: 5 }],
    ['options', null],
  ])('refuses a wrong %s', (name, options) => {
    const make = () => memoryCache(options as object);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
