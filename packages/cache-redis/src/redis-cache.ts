import type { CacheEntry, TokenCache } from '@phantom-token/core';
import type { Cluster, Redis } from 'ioredis';
import { CacheError, toCacheError } from './cache-error.js';
import { parse, serialize } from './stored-entry.js';

export interface RedisCacheOptions {
  /** What every key begins with. Default `pt:`. */
  readonly keyPrefix?: string;
  /** The longest that one command is waited for. Seconds, default 0.05. */
  readonly commandTimeoutSeconds?: number;
  /** A larger value is no entry, and is not parsed. Characters, default 1048576. */
  readonly maxValueLength?: number;
}

const known: Record<keyof RedisCacheOptions, true> = {
  keyPrefix: true,
  commandTimeoutSeconds: true,
  maxValueLength: true,
};

/** Part of every key, so that releases whose keys or values differ never meet. */
const keyVersion = '1:';

/**
 * The shared tier on a connection of yours, which it neither opens nor closes. Keeps active tokens only; keys are
 * digests, values hold the JWT. Rejects with CacheError when Redis does not answer well or in time; the client takes
 * that for a miss.
 * @throws {TypeError} naming the option that is unknown or wrong.
 */
export function redisCache(redis: Redis | Cluster, options: RedisCacheOptions = {}): TokenCache {
  const { keyPrefix, commandTimeoutSeconds, maxValueLength } = readOptions(redis, options);
  const nameOf = (key: string) => keyPrefix + keyVersion + key;

  async function bounded<T>(command: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new CacheError('ERR_CACHE_TIMEOUT')), commandTimeoutSeconds * 1000);
    });
    try {
      return await Promise.race([command, timeout]);
    } catch (error) {
      throw toCacheError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  function read(value: string): CacheEntry | undefined {
    if (value.length > maxValueLength) throw new CacheError('ERR_CACHE_POISONED');
    return parse(value);
  }

  const isSpoilt = (error: unknown) =>
    error instanceof CacheError && (error.code === 'ERR_CACHE_POISONED' || error.code === 'WRONGTYPE');

  return Object.freeze({
    async get(key: string) {
      const name = nameOf(key);
      try {
        const value = await bounded(redis.get(name));
        return value === null ? undefined : read(value);
      } catch (error) {
        // nobody waits for this: it only saves the next reader the same trouble
        if (isSpoilt(error)) redis.unlink(name).catch(() => {});
        throw error;
      }
    },
    async set(key: string, { result, expiresAt }: CacheEntry, now: number = Date.now() / 1000) {
      const milliseconds = Math.ceil((expiresAt - now) * 1000);
      if (!result.active || milliseconds <= 0) return;
      await bounded(
        redis.set(nameOf(key), serialize(expiresAt, result.jwt, result.claims), 'PX', milliseconds),
      );
    },
    async delete(key: string) {
      await bounded(redis.unlink(nameOf(key)));
    },
  });
}

function readOptions(redis: Redis | Cluster, options: RedisCacheOptions): Required<RedisCacheOptions> {
  if (typeof redis?.get !== 'function' || typeof redis.unlink !== 'function') {
    throw new TypeError('redis must be a connection of ioredis');
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`redisCache: unknown option "${name}"; known are ${Object.keys(known).join(', ')}`);
    }
  }
  const { keyPrefix = 'pt:', commandTimeoutSeconds = 0.05, maxValueLength = 1_048_576 } = options;
  if (typeof keyPrefix !== 'string') throw new TypeError('keyPrefix must be a string');
  if (!(Number.isFinite(commandTimeoutSeconds) && commandTimeoutSeconds > 0)) {
    throw new TypeError('commandTimeoutSeconds must be a number of seconds, greater than 0');
  }
  if (!(Number.isSafeInteger(maxValueLength) && maxValueLength > 0)) {
    throw new TypeError('maxValueLength must be a whole number, 1 or more');
  }
  return { keyPrefix, commandTimeoutSeconds, maxValueLength };
}
