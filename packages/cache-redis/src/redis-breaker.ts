import { type Cluster, Command, type Redis } from 'ioredis';
import { atMost } from './at-most.js';
import { CacheError, toCacheError } from './cache-error.js';

/** A connection of ioredis, whatever stands behind it. */
export type RedisConnection = Redis | Cluster;

export interface RedisBreaker {
  /**
   * Runs a command on this key and waits for it no longer than so many seconds; its late answer goes to nobody. Where the
   * server of the key did not answer in time, or there is no connection, it is not even sent.
   * @throws {CacheError} whatever went wrong.
   */
  run<T>(key: string, timeoutSeconds: number, command: () => Promise<T>): Promise<T>;
  /** Told when the first of the servers is left alone, and when none is any more. */
  onChange(listener: (isOpen: boolean) => void): void;
}

/** How long a server that did not answer is left alone between two probes. Seconds. */
const probeIntervalSeconds = 1;

/** A command that is waited for. */
interface Waiting {
  readonly lane: string;
  readonly timeoutSeconds: number;
  giveUp(): void;
}

interface OpenLane {
  readonly timeoutSeconds: number;
  /** Of the clock, seconds. */
  probeAt: number;
}

const breakers = new WeakMap<RedisConnection, RedisBreaker>();

/** The breaker of a connection: all that use the connection share it. */
export function breakerOf(redis: RedisConnection): RedisBreaker {
  const known = breakers.get(redis);
  if (known !== undefined) return known;
  const made = createRedisBreaker(redis);
  breakers.set(redis, made);
  return made;
}

/**
 * Keeps requests from waiting for a Redis that is not well. The first command that is not answered in time opens it: those
 * that wait for the same server, which answers in order, then give up with it, but for the more patient, and others that
 * need it fail at once, until a probe, which no request waits for, is answered in time: one is sent when it opens, and one
 * a second as long as somebody asks. Any answer will do, an error too.
 */
export function createRedisBreaker(
  redis: RedisConnection,
  now: () => number = () => performance.now() / 1000,
): RedisBreaker {
  /** By the server; a connection that is no cluster's has one. */
  const open = new Map<string, OpenLane>();
  const waiting = new Set<Waiting>();
  const listeners: ((isOpen: boolean) => void)[] = [];

  function change(apply: () => void): void {
    const wasOpen = open.size > 0;
    apply();
    const isOpen = open.size > 0;
    if (isOpen !== wasOpen) for (const listener of listeners) listener(isOpen);
  }

  const close = (lane: string) => change(() => open.delete(lane));

  function probe(lane: string, state: OpenLane, key: string): void {
    state.probeAt = now() + probeIntervalSeconds;
    atMost(state.timeoutSeconds, redis.exists(key)).then(
      () => close(lane),
      (error) => {
        if (error.code !== 'ERR_CACHE_TIMEOUT') close(lane);
      },
    );
  }

  function fail(lane: string, key: string, timeoutSeconds: number): void {
    if (open.has(lane)) return;
    const state = { timeoutSeconds, probeAt: 0 };
    change(() => open.set(lane, state));
    probe(lane, state, key);
    for (const command of waiting)
      if (command.lane === lane && command.timeoutSeconds <= timeoutSeconds) command.giveUp();
  }

  /** Settles as the command does, or when the server of its lane is given up. */
  function whileTrusted<T>(lane: string, timeoutSeconds: number, command: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new CacheError('ERR_CACHE_OPEN'));
      const self = { lane, timeoutSeconds, giveUp };
      waiting.add(self);
      command.finally(() => waiting.delete(self)).then(resolve, reject);
    });
  }

  // what has just been connected has just answered
  redis.on('ready', () => change(() => open.clear()));
  // nobody would ever ask for what a server has that owns nothing any more
  redis.on('refresh', () => {
    if (open.size > 0) change(() => forgetStrangers(open, redis as Cluster));
  });

  return {
    run(key, timeoutSeconds, command) {
      if (redis.status !== 'ready') {
        // as the driver does with the first command
        if (redis.status === 'wait') redis.connect().catch(() => {});
        return Promise.reject(new CacheError('ERR_CACHE_UNAVAILABLE'));
      }
      const lane = laneOf(redis, key);
      const state = open.get(lane);
      if (state !== undefined) {
        if (state.probeAt <= now()) probe(lane, state, key);
        return Promise.reject(new CacheError('ERR_CACHE_OPEN'));
      }
      return atMost(timeoutSeconds, whileTrusted(lane, timeoutSeconds, command())).catch((error) => {
        const failure = toCacheError(error);
        if (failure.code === 'ERR_CACHE_TIMEOUT') fail(lane, key, timeoutSeconds);
        throw failure;
      });
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

/** The server that answers for a key, where there are several. */
function laneOf(redis: RedisConnection, key: string): string {
  if (!('slots' in redis)) return '';
  const slot = new Command('get', [(redis.options.keyPrefix ?? '') + key]).getSlot();
  return redis.slots[slot]?.[0] ?? '';
}

function forgetStrangers(open: Map<string, OpenLane>, { slots }: Cluster): void {
  const owners = new Set(slots.map((servers) => servers?.[0]));
  for (const lane of open.keys()) if (!owners.has(lane)) open.delete(lane);
}

/** @throws {TypeError} for anything that is no connection of ioredis. */
export function checkConnection(redis: RedisConnection): void {
  if (typeof redis?.getrangeBuffer !== 'function' || typeof redis.status !== 'string')
    throw new TypeError('redis must be a connection of ioredis; connectRedis makes one');
}
