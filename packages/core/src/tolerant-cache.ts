import type { CacheClaim, CacheEntry, MemoryTier, TokenCache } from './cache.js';
import { withinDeadline } from './deadline.js';
import type { CacheOperation, Emit } from './events.js';

/** What answering a request needs of a cache. Nothing of it throws or rejects. */
export interface TolerantCache {
  /** What the cache holds in this process, where it says. */
  readonly memory: MemoryTier | undefined;
  get: TokenCache['get'];
  set(key: string, entry: CacheEntry, now: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Absent where the cache has none. Nothing comes of it after `budgetSeconds`. */
  readonly claim?: (key: string, now: number, budgetSeconds: number) => Promise<CacheClaim>;
}

const nothing: CacheClaim = {};

/**
 * A cache that fails, hangs or returns what is no entry is an empty one and an event, never a refused request. The one
 * place where that is so; caches themselves may throw.
 */
export function tolerantCache(
  cache: TokenCache,
  timeoutSeconds: number,
  emit: Emit | undefined,
): TolerantCache {
  const failed = (operation: CacheOperation, error: unknown) => {
    emit?.({ type: 'cache_error', operation, code: codeOf(error) });
    return undefined;
  };

  const bounded = <T>(
    operation: CacheOperation,
    seconds: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> => withinDeadline(seconds, work).catch((error) => failed(operation, error));

  const entryOrNothing = (operation: CacheOperation, entry: CacheEntry | undefined) =>
    entry === undefined || isEntry(entry) ? entry : failed(operation, new TypeError());

  // a function of its own: a closure in `get` would be made for every hit
  const getSlowly = (entry: Promise<CacheEntry | undefined>) =>
    bounded('get', timeoutSeconds, () => entry).then((it) => entryOrNothing('get', it));

  async function attempt(operation: CacheOperation, work: () => void | Promise<void>): Promise<void> {
    try {
      const done = work();
      if (done instanceof Promise) await bounded(operation, timeoutSeconds, () => done);
    } catch (error) {
      failed(operation, error);
    }
  }

  async function claim(key: string, now: number, budgetSeconds: number): Promise<CacheClaim> {
    const claimed =
      (await bounded('claim', budgetSeconds, async (signal) => {
        const made = (await cache.claim?.(key, now, budgetSeconds)) ?? nothing;
        // one that comes when nobody waits any more would only keep others waiting
        if (signal.aborted) releaseQuietly(made);
        return made;
      })) ?? nothing;
    const entry = entryOrNothing('claim', claimed.entry);
    return { ...(entry && { entry }), release: () => releaseQuietly(claimed) };
  }

  return {
    memory: cache.memory && tolerantMemory(cache.memory),
    get(key, now) {
      try {
        const entry = cache.get(key, now);
        return entry instanceof Promise ? getSlowly(entry) : entryOrNothing('get', entry);
      } catch (error) {
        return failed('get', error);
      }
    },
    set: (key, entry, now) => attempt('set', () => cache.set(key, entry, now)),
    delete: (key) => attempt('delete', () => cache.delete(key)),
    ...(cache.claim && { claim }),
  };
}

function tolerantMemory(memory: MemoryTier): MemoryTier {
  return {
    peek(key) {
      try {
        const entry = memory.peek(key);
        return entry !== undefined && isEntry(entry) ? entry : undefined;
      } catch {
        return undefined;
      }
    },
    forget: (key) => quietly(() => memory.forget(key)),
    clear: () => quietly(() => memory.clear()),
  };
}

// what should be forgotten is not used anyway: tombstones say the same
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // it is only kept for longer
  }
}

// what was asked while we held it is stored by now, or will never be
async function releaseQuietly({ release }: CacheClaim): Promise<void> {
  try {
    await release?.();
  } catch {
    // it ends by itself
  }
}

// fail closed: an entry that lost its `active`, its JWT or its deadline on the way says nothing
function isEntry(entry: Partial<CacheEntry> | null): boolean {
  if (typeof entry?.expiresAt !== 'number' || Number.isNaN(entry.expiresAt)) return false;
  const { result } = entry;
  return result?.active === true
    ? typeof result.jwt === 'string' && result.claims instanceof Object
    : result?.active === false;
}

// a code or a name, never the message: drivers quote the command, and with it the value
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'ERR_CACHE';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
