import type { CacheClaim, CacheEntry, TokenCache } from './cache.js';
import { createKeyChanges } from './key-changes.js';

/**
 * A near cache (memory) in front of a far one (shared). What only the far one has is promoted, with its deadline as it
 * was, unless the key was set or deleted while it was read. A near hit stays synchronous; inactive answers stay near;
 * claims are the far one's.
 */
export function tieredCache(near: TokenCache, far: TokenCache): TokenCache {
  const changes = createKeyChanges();

  const isFresh = (entry: CacheEntry | undefined, now: number | undefined) =>
    entry !== undefined && (now === undefined || entry.expiresAt > now);

  const getFar = (key: string, now: number | undefined) =>
    changes.read(key, async (isCurrent) => {
      let entry: CacheEntry | undefined;
      let fault: { readonly error: unknown } | undefined;
      try {
        entry = await far.get(key, now);
      } catch (error) {
        fault = { error };
      }
      if (entry !== undefined && isFresh(entry, now) && isCurrent()) {
        await near.set(key, entry, now);
        return entry;
      }
      // another request of this process may have stored it while we waited
      const held = await near.get(key, now);
      if (isFresh(held, now)) return held;
      if (fault !== undefined) throw fault.error;
      return isCurrent() ? entry : undefined;
    });

  async function getSlowly(pending: Promise<CacheEntry | undefined>, key: string, now: number | undefined) {
    const entry = await pending;
    return isFresh(entry, now) ? entry : getFar(key, now);
  }

  /** What another instance stored meanwhile is promoted, unless it is what we have. */
  const claim = (key: string, now: number, budgetSeconds: number): Promise<CacheClaim> =>
    changes.read(key, async (isCurrent) => {
      const claimed = (await far.claim?.(key, now, budgetSeconds)) ?? {};
      const { entry, ...rest } = claimed;
      if (entry === undefined || !isFresh(entry, now)) return claimed;
      if (!isCurrent()) return rest;
      try {
        const held = await near.get(key, now);
        if (held === undefined || held.expiresAt < entry.expiresAt) await near.set(key, entry, now);
      } catch (error) {
        claimed.release?.();
        throw error;
      }
      return claimed;
    });

  return Object.freeze({
    ...(near.memory && { memory: near.memory }),
    ...(far.claim && { claim }),
    get(key: string, now?: number) {
      const entry = near.get(key, now);
      if (entry instanceof Promise) return getSlowly(entry, key, now);
      return isFresh(entry, now) ? entry : getFar(key, now);
    },
    set: (key: string, entry: CacheEntry, now?: number) =>
      changes.change(key, async () => {
        await near.set(key, entry, now);
        if (entry.result.active) await far.set(key, entry, now);
      }),
    delete: (key: string) =>
      changes.change(key, async () => {
        await near.delete(key);
        await far.delete(key);
      }),
  });
}
