import type { CacheClaim, CacheEntry, TokenCache } from '@phantom-token/core';
import { atMost } from './at-most.js';
import { type Awaitable, andThen } from './awaitable.js';
import { CacheError } from './cache-error.js';
import { createEntryPlaces, type EntryPlace } from './entry-places.js';
import { createClaim } from './flight-claim.js';
import { createLock } from './lock.js';
import { positiveSeconds, refuseUnknown, text, wholeNumber } from './option-checks.js';
import { type Peppers, readPeppers } from './pepper.js';
import { breakerOf, checkConnection, type RedisConnection } from './redis-breaker.js';
import { clockOf } from './redis-clock.js';
import { createSealing, type EntryKeys, entryVersion, type OpenEntry } from './sealed-entry.js';
import { type EntryDates, parse, serialize } from './stored-entry.js';

export interface RedisCacheOptions {
  /**
   * What entries are sealed with, the same on all instances. Two while it is replaced: first both everywhere with the old
   * one first, then the new one first, then, when the longest entry is over, the new one alone. Default none: entries stay
   * unreadable without their token, but whoever can write to Redis and has a token can forge its entry.
   */
  readonly pepper?: Peppers;
  /** What every key begins with. Default `pt:`. */
  readonly keyPrefix?: string;
  /**
   * The longest that one request waits for Redis, whatever it asks of it. Seconds, default 0.04: what a Redis that does not
   * answer costs a request stays below 50 ms, with the time to notice and to go on.
   */
  readonly commandTimeoutSeconds?: number;
  /** A larger entry is neither stored nor read further. Bytes in Redis, default 131072: a JWT of 64 KiB and its claims. */
  readonly maxEntryBytes?: number;
}

/** The shared tier, with claims, so that of several instances one introspects. */
export interface RedisCache extends TokenCache {
  get(key: string, now?: number): Promise<CacheEntry | undefined>;
  set(key: string, entry: CacheEntry, now?: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Never rejects: where Redis is unwell, nothing comes of it. */
  claim(key: string, now: number, budgetSeconds: number): Promise<CacheClaim>;
}

const known: Record<keyof RedisCacheOptions, true> = {
  pepper: true,
  keyPrefix: true,
  commandTimeoutSeconds: true,
  maxEntryBytes: true,
};

/** An entry from further ahead was stored by a clock that is wrong, as is its deadline. Seconds. */
const clockToleranceSeconds = 60;

/**
 * The shared tier on a connection of yours, which it neither opens nor closes. Keeps active tokens only, sealed: without
 * the token nobody finds or reads an entry. Rejects with CacheError when Redis does not answer well or in time; the client
 * takes that for a miss.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function redisCache(redis: RedisConnection, options: RedisCacheOptions = {}): RedisCache {
  const { peppers, keyPrefix, commandTimeoutSeconds, maxEntryBytes } = readOptions(redis, options);
  const breaker = breakerOf(redis);
  const sealing = createSealing();
  const clock = clockOf(redis);
  const places = createEntryPlaces(peppers, sealing);
  // one byte more than may be: what is too large is not even fetched
  const lastByte = String(maxEntryBytes);
  // in braces, so that what belongs to one entry stands on one server of a cluster
  const nameOf = ({ lookup }: EntryKeys) => `${keyPrefix}${entryVersion}:{${lookup}}`;

  function read(keys: EntryKeys, value: Buffer<ArrayBuffer>, now: number): Awaitable<CacheEntry | undefined> {
    if (value.length === 0) return undefined;
    if (value.length > maxEntryBytes) throw new CacheError('ERR_CACHE_POISONED');
    return andThen(sealing.open(value, keys), (opened) => opened && use(opened, now));
  }

  function use(opened: OpenEntry, now: number): CacheEntry | undefined {
    // by our clock, where it is behind Redis': what is revoked from now on is compared with that, too
    const ahead = clock.aheadSeconds();
    const dates = ahead > 0 ? shifted(opened, -ahead) : opened;
    const { expiresAt, storedAt = now } = dates;
    const isOfUse = expiresAt > now && storedAt <= now + clockToleranceSeconds;
    return isOfUse ? parse(opened.content, dates) : undefined;
  }

  function find(place: EntryPlace, keys: EntryKeys, now: number): Promise<CacheEntry | undefined> {
    const startedAt = performance.now();
    const noteWait = () => {
      place.waitedSeconds = (performance.now() - startedAt) / 1000;
    };
    const name = nameOf(keys);
    const found = breaker.run(
      name,
      commandTimeoutSeconds,
      () => redis.getrangeBuffer(name, '0', lastByte),
      (value) =>
        andThen(read(keys, value as Buffer<ArrayBuffer>, now), (entry) => {
          // a request that has its entry asks no more: the next one that comes here is another
          if (entry === undefined) noteWait();
          else place.waitedSeconds = 0;
          return entry;
        }),
    );
    // while Redis is at it
    keys.seal();
    found.catch((error) => {
      noteWait();
      // nobody waits for this: it only saves the next reader the same trouble
      if (isSpoilt(error)) breaker.run(name, commandTimeoutSeconds, () => redis.unlink(name)).catch(() => {});
    });
    return found;
  }

  /** Under any of the peppers; a failure only counts where nothing was found. */
  async function findAny(place: EntryPlace, now: number): Promise<CacheEntry | undefined> {
    const found = await Promise.allSettled(place.keys.map((keys) => find(place, keys, now)));
    for (const it of found)
      if (it.status === 'fulfilled' && it.value !== undefined) {
        place.waitedSeconds = 0;
        return it.value;
      }
    for (const it of found) if (it.status === 'rejected') throw it.reason;
    return undefined;
  }

  const findAt = (place: EntryPlace, now: number): Promise<CacheEntry | undefined> =>
    peppers.length === 1 ? find(place, place.keys[0], now) : findAny(place, now);

  async function store(place: EntryPlace, entry: CacheEntry, now: number): Promise<void> {
    const { result, ...dates } = entry;
    const milliseconds = Math.ceil((dates.expiresAt - now) * 1000);
    if (!result.active || milliseconds <= 0) return;
    const [keys] = place.keys;
    const content = serialize(result.jwt, result.claims);
    // by Redis' clock, where ours is ahead of it
    const shift = Math.min(0, clock.aheadSeconds());
    const value = await sealing.seal({ content, ...shifted(dates, shift) }, keys);
    if (value.length > maxEntryBytes) throw new CacheError('ERR_CACHE_TOO_LARGE');
    const name = nameOf(keys);
    place.isStored = true;
    await breaker.run(name, commandTimeoutSeconds, () => redis.set(name, value, 'PX', milliseconds));
  }

  const lock = createLock(redis, breaker, { commandTimeoutSeconds, maxEntryBytes });
  const claim = createClaim({
    lock,
    nameOf,
    read: async (keys, value, now) => read(keys, value, now),
    commandTimeoutSeconds,
  });

  return Object.freeze({
    get(key: string, now: number = Date.now() / 1000) {
      const place = places.of(key);
      return place instanceof Promise ? place.then((it) => findAt(it, now)) : findAt(place, now);
    },
    async set(key: string, entry: CacheEntry, now: number = Date.now() / 1000) {
      const place = await places.of(key);
      const patience = commandTimeoutSeconds - place.waitedSeconds;
      place.waitedSeconds = 0;
      await atMost(patience, store(place, entry, now));
    },
    async delete(key: string) {
      const { keys } = await places.of(key);
      const names = keys.map(nameOf);
      await Promise.all(
        names.map((name) => breaker.run(name, commandTimeoutSeconds, () => redis.unlink(name))),
      );
    },
    async claim(key: string, now: number, budgetSeconds: number) {
      const place = await places.of(key);
      return claim(place, now, budgetSeconds);
    },
  });
}

const shifted = ({ expiresAt, storedAt }: EntryDates, seconds: number): EntryDates => ({
  expiresAt: expiresAt + seconds,
  storedAt: storedAt === undefined ? undefined : storedAt + seconds,
});

const isSpoilt = (error: unknown) =>
  error instanceof CacheError && (error.code === 'ERR_CACHE_POISONED' || error.code === 'WRONGTYPE');

function readOptions(redis: RedisConnection, options: RedisCacheOptions) {
  checkConnection(redis);
  refuseUnknown('redisCache', options, known);
  const { keyPrefix = 'pt:', commandTimeoutSeconds = 0.04, maxEntryBytes = 131_072 } = options;
  return {
    peppers: readPeppers(options.pepper),
    keyPrefix: text('keyPrefix', keyPrefix),
    commandTimeoutSeconds: positiveSeconds('commandTimeoutSeconds', commandTimeoutSeconds),
    maxEntryBytes: wholeNumber('maxEntryBytes', maxEntryBytes, 1),
  };
}
