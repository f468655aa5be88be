import type { CacheEntry, TokenCache } from './cache.js';
import { withinDeadline } from './deadline.js';
import type { Emit } from './events.js';

/** What answering a request needs of a cache. */
export type TolerantCache = Pick<TokenCache, 'get' | 'set'>;

type Operation = keyof TolerantCache;

/**
 * A cache that fails, hangs or returns what is no entry is an empty one and an event, never a refused request. The one
 * place where that is so; caches themselves may throw.
 */
export function tolerantCache(
  cache: TokenCache,
  timeoutSeconds: number,
  emit: Emit | undefined,
): TolerantCache {
  const failed = (operation: Operation, error: unknown) => {
    emit?.({ type: 'cache_error', operation, code: codeOf(error) });
    return undefined;
  };

  const bounded = <T>(operation: Operation, work: Promise<T>): Promise<T | undefined> =>
    withinDeadline(timeoutSeconds, () => work).catch((error) => failed(operation, error));

  const entryOrNothing = (entry: CacheEntry | undefined) =>
    entry === undefined || isEntry(entry) ? entry : failed('get', new TypeError());

  return {
    get(key, now) {
      try {
        const entry = cache.get(key, now);
        return entry instanceof Promise ? bounded('get', entry).then(entryOrNothing) : entryOrNothing(entry);
      } catch (error) {
        return failed('get', error);
      }
    },
    async set(key, entry, now) {
      try {
        const stored = cache.set(key, entry, now);
        if (stored instanceof Promise) await bounded('set', stored);
      } catch (error) {
        failed('set', error);
      }
    },
  };
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
