import type { CacheClaim, CacheEntry, MemoryTier, TokenCache } from './cache.js';
import { createCachePatience } from './cache-patience.js';
import { withinDeadline } from './deadline.js';
import type { CacheOperation, Emit } from './events.js';

/** What answering a request needs of a cache. Nothing of it throws or rejects. */
export interface TolerantCache {
  /** What the cache holds in this process, where it says. */
  readonly memory: MemoryTier | undefined;
  /** `unread` where the cache could not be read. */
  get: TokenCache['get'];
  set(key: string, entry: CacheEntry, now: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Absent where the cache has none. Nothing comes of it after `budgetSeconds`. */
  readonly claim?: (key: string, now: number, budgetSeconds: number) => Promise<CacheClaim>;
}

/** Comes of a read that failed: the cache may have an entry all the same. Otherwise as one that is over. */
export const unread: CacheEntry = Object.freeze({
  result: Object.freeze({ active: false }),
  expiresAt: Number.NEGATIVE_INFINITY,
});

const nothing: CacheClaim = {};

/**
 * A cache that fails, hangs or returns what is no entry is an empty one and an event, never a refused request. The one
 * place where that is so; caches themselves may throw. One that does not answer within so many seconds is left alone for a
 * while: what its memory has is used, and what it is told nobody waits for.
 */
export function tolerantCache(
  cache: TokenCache,
  timeoutSeconds: number,
  emit: Emit | undefined,
): TolerantCache {
  const reads = createCachePatience(timeoutSeconds);
  const writes = createCachePatience(timeoutSeconds);

  const failed = (operation: CacheOperation, error: unknown) => {
    emit?.({ type: 'cache_error', operation, code: codeOf(error) });
    return undefined;
  };

  const failedRead = (error: unknown) => {
    failed('get', error);
    return unread;
  };

  const readEntry = (entry: CacheEntry | undefined) =>
    entry === undefined || isEntry(entry) ? entry : failedRead(new TypeError());

  // a function of its own: a closure in `get` would be made for every hit
  const getSlowly = (entry: Promise<CacheEntry | undefined>) => reads.wait(entry).then(readEntry, failedRead);

  /** Whether memory has the answer, so that nothing else is asked. */
  function isHeld(key: string, now: number | undefined): boolean {
    const entry = cache.memory?.peek(key);
    return entry !== undefined && (now === undefined || entry.expiresAt > now);
  }

  async function change(operation: CacheOperation, work: () => void | Promise<void>): Promise<void> {
    try {
      const done = work();
      if (!(done instanceof Promise)) return;
      if (reads.isLost || writes.isResting()) done.catch((error) => failed(operation, error));
      else await writes.wait(done);
    } catch (error) {
      failed(operation, error);
    }
  }

  async function claim(key: string, now: number, budgetSeconds: number): Promise<CacheClaim> {
    if (reads.isLost) return nothing;
    const claimed = await withinDeadline(budgetSeconds, async (signal) => {
      const made = (await cache.claim?.(key, now, budgetSeconds)) ?? nothing;
      // one that comes when nobody waits any more would only keep others waiting
      if (signal.aborted) releaseQuietly(made);
      return made;
    }).catch((error) => failed('claim', error) ?? nothing);
    const { entry } = claimed;
    if (entry !== undefined && !isEntry(entry)) failed('claim', new TypeError());
    return {
      ...(entry !== undefined && isEntry(entry) && { entry }),
      release: () => releaseQuietly(claimed),
    };
  }

  return {
    memory: cache.memory && tolerantMemory(cache.memory),
    get(key, now) {
      try {
        if (reads.isLost && !isHeld(key, now) && reads.isResting()) return failedRead(leftAlone);
        const entry = cache.get(key, now);
        return entry instanceof Promise ? getSlowly(entry) : readEntry(entry);
      } catch (error) {
        return failedRead(error);
      }
    },
    async set(key, entry, now) {
      // one without memory has nothing to do for us
      if (reads.isLost && cache.memory === undefined) return;
      await change('set', () => cache.set(key, entry, now));
    },
    delete: (key) => change('delete', () => cache.delete(key)),
    ...(cache.claim && { claim }),
  };
}

const leftAlone = Object.assign(new Error(), { code: 'ERR_CACHE_OPEN' });

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
