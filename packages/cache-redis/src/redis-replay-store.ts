import { memoryReplayStore, type ReplayStore } from '@phantom-token/core';
import type { CacheError } from './cache-error.js';
import { optionalFunction, positiveSeconds, refuseUnknown, text } from './option-checks.js';
import { breakerOf, checkConnection, type RedisConnection } from './redis-breaker.js';

export interface RedisReplayStoreOptions {
  /** What every key begins with. Default `pt:`. */
  readonly keyPrefix?: string;
  /** The longest that one command is waited for. Seconds, default 0.05. */
  readonly commandTimeoutSeconds?: number;
  /**
   * What happens while Redis does not answer. `local` (default): every instance knows only the proofs that it saw
   * itself, so a proof can be used once on each. `refuse`: requests with proofs get 503.
   */
  readonly whenUnavailable?: 'local' | 'refuse';
  /** How many used proofs this process remembers beside Redis. Default 500000; when that is full, requests get 503. */
  readonly maxEntries?: number;
  /** Told of every command that failed. Default: nobody. */
  readonly onError?: (error: CacheError) => void;
}

const known: Record<keyof RedisReplayStoreOptions, true> = {
  keyPrefix: true,
  commandTimeoutSeconds: true,
  whenUnavailable: true,
  maxEntries: true,
  onError: true,
};

/** Part of every key: apart from the cache's, and from other releases'. */
const keyVersion = 'dpop:1:';
/** How much longer than it must be a key is kept, since the clocks of instances differ. */
const marginSeconds = 10;

/**
 * The store of used DPoP proofs that instances share, on a connection of yours, which it neither opens nor closes. What
 * this process has seen itself costs no command.
 * @throws {TypeError} naming the option that is unknown or wrong.
 */
export function redisReplayStore(redis: RedisConnection, options: RedisReplayStoreOptions = {}): ReplayStore {
  const { keyPrefix, commandTimeoutSeconds, whenUnavailable, onError } = readOptions(redis, options);
  const { maxEntries } = options;
  const breaker = breakerOf(redis);
  const local = memoryReplayStore(maxEntries === undefined ? {} : { maxEntries });

  async function isNewToAll(key: string, lifetimeSeconds: number): Promise<boolean> {
    const milliseconds = Math.max(1, Math.ceil(lifetimeSeconds * 1000));
    const name = keyPrefix + keyVersion + key;
    const send = () => redis.set(name, '1', 'PX', milliseconds, 'NX');
    return (await breaker.run(name, commandTimeoutSeconds, send)) === 'OK';
  }

  function report(error: CacheError): void {
    try {
      onError?.(error);
    } catch {
      // a hook that fails is its owner's matter
    }
  }

  return Object.freeze({
    async add(key: string, expiresAt: number, now: number) {
      if (!(await local.add(key, expiresAt, now))) return false;
      try {
        return await isNewToAll(key, expiresAt - now + marginSeconds);
      } catch (error) {
        report(error as CacheError);
        // core takes what a store throws for a 503
        if (whenUnavailable === 'refuse') throw error;
        return true;
      }
    },
  });
}

function readOptions(redis: RedisConnection, options: RedisReplayStoreOptions) {
  checkConnection(redis);
  refuseUnknown('redisReplayStore', options, known);
  const { keyPrefix = 'pt:', commandTimeoutSeconds = 0.05, whenUnavailable = 'local', onError } = options;
  if (whenUnavailable !== 'local' && whenUnavailable !== 'refuse')
    throw new TypeError('whenUnavailable must be "local" or "refuse"');
  return {
    keyPrefix: text('keyPrefix', keyPrefix),
    commandTimeoutSeconds: positiveSeconds('commandTimeoutSeconds', commandTimeoutSeconds),
    whenUnavailable,
    onError: optionalFunction('onError', onError),
  };
}
