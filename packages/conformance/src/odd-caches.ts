import type { CacheEntry, TokenCache } from '@phantom-token/core';

/** Keeps what it is given for ever, and claims that it is good for longer than was said. */
export function timelessCache(extraSeconds = 0): TokenCache {
  const entries = new Map<string, CacheEntry>();
  return {
    get: (key) => entries.get(key),
    set: (key, entry) => {
      entries.set(key, { ...entry, expiresAt: entry.expiresAt + extraSeconds });
    },
    delete: (key) => {
      entries.delete(key);
    },
  };
}

/** Does one thing differently from an empty cache. */
export const emptyCache = (difference: Partial<TokenCache>): TokenCache => ({
  get: () => undefined,
  set: () => {},
  delete: () => {},
  ...difference,
});
