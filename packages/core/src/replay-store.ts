import { IntrospectionError } from './errors.js';
import { count, refuseUnknown } from './option-checks.js';

/**
 * Where the proofs that were used are remembered, so that none is used twice (RFC 9449 §11.1). Keys are opaque digests
 * of one length. A store that throws or rejects refuses the request with 503: it must not when in doubt say "new".
 */
export interface ReplayStore {
  /**
   * Remembers a key, at least until `expiresAt`; true when it was not there before. Two calls at once with one key, in
   * any two processes that share the store, must not both be told so.
   * @param expiresAt NumericDate from which on the proof is refused by its age.
   * @param now NumericDate of the caller's clock.
   */
  add(key: string, expiresAt: number, now: number): boolean | Promise<boolean>;
}

export interface MemoryReplayStoreOptions {
  /** How many used proofs are remembered at once. Some 100 bytes each, default 500000. */
  readonly maxEntries?: number;
}

/** Keys go in bulk: those whose time ends within the same span of so many seconds. */
const spanSeconds = 10;

/**
 * The store of this process. It never forgets a live key: when full of them it throws ERR_REPLAY_STORE (503), since
 * whoever could flush it could also use a stolen proof again. Only proofs that pass all other checks get in.
 * @throws {TypeError} naming the option that is wrong.
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  refuseUnknown('memoryReplayStore', options, { maxEntries: true });
  const maxEntries = count('maxEntries', options.maxEntries, 500_000, 1);
  /** By the end of their span. */
  const spans = new Map<number, Set<string>>();
  let size = 0;

  function forgetExpired(now: number): void {
    for (const [end, keys] of spans) {
      if (end > now) continue;
      size -= keys.size;
      spans.delete(end);
    }
  }

  function isKnown(key: string): boolean {
    for (const keys of spans.values()) if (keys.has(key)) return true;
    return false;
  }

  function spanOf(expiresAt: number): Set<string> {
    const end = Math.ceil(expiresAt / spanSeconds) * spanSeconds;
    const keys = spans.get(end) ?? new Set();
    spans.set(end, keys);
    return keys;
  }

  return Object.freeze({
    add(key: string, expiresAt: number, now: number) {
      forgetExpired(now);
      if (isKnown(key)) return false;
      if (size >= maxEntries) throw full();
      spanOf(expiresAt).add(key);
      size++;
      return true;
    },
  });
}

const full = () =>
  new IntrospectionError('ERR_REPLAY_STORE', 'too many used DPoP proofs are to be remembered', {
    status: 503,
    retryAfterSeconds: 1,
  });
