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

  it('gives no longer, but still has, what may stand in past its deadline', () => {
    const cache = memoryCache();
    cache.set('k', { ...active('j', 100), staleUntil: 160 });
    expect(cache.get('k', 159)).toBeUndefined();
    expect(cache.memory.peek('k')).toEqual({ ...active('j', 100), staleUntil: 160 });
    expect(cache.get('k', 160)).toBeUndefined();
    expect(cache.memory.peek('k')).toBeUndefined();
  });

  it('has nothing to stand in for an inactive answer, or after one', () => {
    const cache = memoryCache();
    cache.set('k', { ...active('j', 100), staleUntil: 160 });
    cache.set('k', inactive);
    cache.get('k', 100);
    expect(cache.memory.peek('k')).toBeUndefined();
  });

  it('is looked into without anything becoming more recent', () => {
    const cache = memoryCache({ maxEntries: 2 });
    cache.set('a', active('1'));
    cache.set('b', active('2'));
    expect(cache.memory.peek('a')).toEqual(active('1'));
    expect(cache.memory.peek('c')).toBeUndefined();
    cache.set('c', active('3'));
    expect(cache.get('a')).toBeUndefined();
  });

  it('forgets one entry or everything', () => {
    const cache = memoryCache();
    for (const key of ['a', 'b']) cache.set(key, active());
    for (const key of ['x', 'y']) cache.set(key, inactive);
    expect(cache.memory.peek('x')).toEqual(inactive);
    cache.memory.forget('a');
    cache.memory.forget('x');
    expect(['a', 'b', 'x', 'y'].filter((key) => cache.get(key) !== undefined)).toEqual(['b', 'y']);
    cache.memory.clear();
    expect(['a', 'b', 'x', 'y'].filter((key) => cache.get(key) !== undefined)).toEqual([]);
  });

  it('bounds what active entries take, the least recently used going first', () => {
    const cache = memoryCache({ maxBytes: 100_000 });
    const has = (key: string) => cache.memory.peek(key) !== undefined;
    for (let index = 0; index < 100; index++) cache.set(`k${index}`, active('x'.repeat(4_000)));
    const kept = Array.from({ length: 100 }, (_, index) => has(`k${index}`));
    const first = kept.indexOf(true);
    expect(kept.slice(first).every((it) => it)).toBe(true);
    expect(100 - first).toBeGreaterThanOrEqual(8);
    expect(100 - first).toBeLessThanOrEqual(12);
  });

  it('keeps no entry that is too large by itself, and not the one before it', () => {
    const cache = memoryCache({ maxBytes: 100_000 });
    cache.set('other', active());
    cache.set('k', active('small'));
    cache.set('k', active('x'.repeat(60_000)));
    expect(cache.get('k')).toBeUndefined();
    expect(cache.get('other')).toEqual(active());
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
    ['maxBytes', { maxBytes: 0 }],
    ['maxBytes', { maxBytes: '64M' }],
    ['maxEntires', { maxEntires: 5 }],
    ['options', null],
  ])('refuses a wrong %s', (name, options) => {
    const make = () => memoryCache(options as object);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
