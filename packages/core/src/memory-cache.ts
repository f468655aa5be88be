import { LRUCache } from 'lru-cache';
import type { CacheEntry, MemoryTier, TokenCache } from './cache.js';
import { deepFreeze } from './deep-freeze.js';
import { entryBytes } from './entry-bytes.js';
import { count, refuseUnknown } from './option-checks.js';

/** A cache whose answers need not be waited for. */
export interface MemoryCache extends TokenCache {
  get(key: string, now?: number): CacheEntry | undefined;
  readonly memory: MemoryTier;
}

export interface MemoryCacheOptions {
  /** How many active tokens are kept; the least recently used go first. Default 10000. */
  readonly maxEntries?: number;
  /** How many inactive tokens are kept, apart from the active ones, so that garbage evicts no good token. Default 1000. */
  readonly maxInactiveEntries?: number;
  /**
   * How much heap the active tokens may take, as estimated, to within a tenth: whichever is reached first, this or
   * `maxEntries`, bounds them. A token takes some 4 KB where its JWT has 1 KB, 7.5 where 2, 15 where 4. One that is
   * larger by itself is not kept. Bytes, default 67108864 (64 MiB).
   */
  readonly maxBytes?: number;
}

/**
 * The cache tier of this process. A hit is answered without a promise and parses nothing.
 * @throws {TypeError} naming the option that is wrong.
 */
export function memoryCache(options: MemoryCacheOptions = {}): MemoryCache {
  refuseUnknown('memoryCache', options, { maxEntries: true, maxInactiveEntries: true, maxBytes: true });
  const active = new LRUCache<string, CacheEntry>({
    max: count('maxEntries', options.maxEntries, 10_000, 1),
    maxSize: count('maxBytes', options.maxBytes, 67_108_864, 1),
    sizeCalculation: (entry) => entryBytes(entry),
  });
  const inactive = new LRUCache<string, CacheEntry>({
    max: count('maxInactiveEntries', options.maxInactiveEntries, 1_000, 1),
  });
  const forget = (key: string) => {
    active.delete(key);
    inactive.delete(key);
  };
  /** What may still stand in for an answer is for `peek` alone. */
  const expire = (key: string, { staleUntil }: CacheEntry, now: number) => {
    if (staleUntil === undefined || staleUntil <= now) forget(key);
    return undefined;
  };
  return Object.freeze({
    get(key: string, now?: number) {
      const entry = active.get(key) ?? inactive.get(key);
      if (entry === undefined || now === undefined || entry.expiresAt > now) return entry;
      return expire(key, entry, now);
    },
    set(key: string, entry: CacheEntry) {
      forget(key);
      (entry.result.active ? active : inactive).set(key, deepFreeze(entry));
    },
    delete: forget,
    memory: Object.freeze({
      peek: (key: string) => active.peek(key) ?? inactive.peek(key),
      forget,
      clear() {
        active.clear();
        inactive.clear();
      },
    }),
  });
}
