import { LRUCache } from 'lru-cache';
import type { CacheEntry, TokenCache } from './cache.js';
import { deepFreeze } from './deep-freeze.js';
import { count, refuseUnknown } from './option-checks.js';

/** A cache whose answers need not be waited for. */
export interface MemoryCache extends TokenCache {
  get(key: string, now?: number): CacheEntry | undefined;
}

export interface MemoryCacheOptions {
  /** How many active tokens are kept; the least recently used go first. Default 10000. */
  readonly maxEntries?: number;
  /** How many inactive tokens are kept, apart from the active ones, so that garbage evicts no good token. Default 1000. */
  readonly maxInactiveEntries?: number;
}

/**
 * The cache tier of this process. A hit is answered without a promise and parses nothing.
 * @throws {TypeError} naming the option that is wrong.
 */
export function memoryCache(options: MemoryCacheOptions = {}): MemoryCache {
  refuseUnknown('memoryCache', options, { maxEntries: true, maxInactiveEntries: true });
  const active = new LRUCache<string, CacheEntry>({
    max: count('maxEntries', options.maxEntries, 10_000, 1),
  });
  const inactive = new LRUCache<string, CacheEntry>({
    max: count('maxInactiveEntries', options.maxInactiveEntries, 1_000, 1),
  });
  const forget = (key: string) => {
    active.delete(key);
    inactive.delete(key);
  };
  return Object.freeze({
    get(key: string, now?: number) {
      const entry = active.get(key) ?? inactive.get(key);
      if (entry === undefined || now === undefined || entry.expiresAt > now) return entry;
      forget(key);
      return undefined;
    },
    set(key: string, entry: CacheEntry) {
      forget(key);
      (entry.result.active ? active : inactive).set(key, deepFreeze(entry));
    },
    delete: forget,
  });
}
