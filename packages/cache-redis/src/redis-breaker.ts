import { type Cluster, Command, type Redis } from 'ioredis';
import { atMost } from './at-most.js';
import type { Awaitable } from './awaitable.js';
import { CacheError, toCacheError } from './cache-error.js';
import { type Dated, Deadlines, notWaited } from './deadlines.js';
import { clock } from './time-up.js';

/** A connection of ioredis, whatever stands behind it. */
export type RedisConnection = Redis | Cluster;

export interface RedisBreaker {
  /**
   * Runs a command on this key and waits for it no longer than so many seconds; its late answer goes to nobody. Where the
   * server of the key did not answer in time, or there is no connection, it is not even sent.
   * @throws {CacheError} whatever went wrong.
   */
  run<T>(key: string, timeoutSeconds: number, command: () => Promise<T>): Promise<T>;
  /** Resolves with what is made of the answer, or rejects with what that throws. */
  run<T, R>(
    key: string,
    timeoutSeconds: number,
    command: () => Promise<T>,
    use: (answer: T) => Awaitable<R>,
  ): Promise<R>;
  /** Told when the first of the servers is left alone, and when none is any more. */
  onChange(listener: (isOpen: boolean) => void): void;
}

/** How long a server that did not answer is left alone between two probes. Seconds. */
const probeIntervalSeconds = 1;

/** A server that did not answer within one command's patience may well answer one that has more than so many times as much. */
const muchMorePatient = 2;

/** A command that is waited for. A class, since an object with functions of its own takes longer to make. */
class Waiting implements Dated {
  readonly dueAt: number;
  index = notWaited;

  constructor(
    readonly server: string,
    readonly key: string,
    readonly timeoutSeconds: number,
    readonly reject: (error: CacheError) => void,
    private readonly giveUp: (self: Waiting, error: CacheError) => void,
  ) {
    this.dueAt = clock() + timeoutSeconds * 1000;
  }

  onDue(): void {
    this.giveUp(this, new CacheError('ERR_CACHE_TIMEOUT'));
  }
}

/** A server that does not answer within so many seconds. */
interface OpenLane {
  readonly server: string;
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
  const open = new Set<OpenLane>();
  const waiting = new Deadlines<Waiting>();
  const listeners: ((isOpen: boolean) => void)[] = [];
  const serverOf = findServers(redis);

  function change(apply: () => void): void {
    const wasOpen = open.size > 0;
    apply();
    const isOpen = open.size > 0;
    if (isOpen !== wasOpen) for (const listener of listeners) listener(isOpen);
  }

  /** What keeps a command with this patience from being sent. */
  function refusing(server: string, timeoutSeconds: number): OpenLane | undefined {
    for (const lane of open)
      if (lane.server === server && timeoutSeconds <= lane.timeoutSeconds * muchMorePatient) return lane;
    return undefined;
  }

  /** A server that answers in time does so for the more patient, too. */
  const close = ({ server, timeoutSeconds }: OpenLane) =>
    change(() => {
      for (const lane of open)
        if (lane.server === server && lane.timeoutSeconds >= timeoutSeconds) open.delete(lane);
    });

  function probe(lane: OpenLane, key: string): void {
    lane.probeAt = now() + probeIntervalSeconds;
    atMost(lane.timeoutSeconds, redis.exists(key)).then(
      () => close(lane),
      (error) => {
        if (toCacheError(error).code !== 'ERR_CACHE_TIMEOUT') close(lane);
      },
    );
  }

  function fail({ server, key, timeoutSeconds }: Waiting): void {
    if (refusing(server, timeoutSeconds) !== undefined) return;
    const lane = { server, timeoutSeconds, probeAt: 0 };
    change(() => open.add(lane));
    probe(lane, key);
    for (const command of waiting)
      if (command.server === server && command.timeoutSeconds <= timeoutSeconds)
        giveUp(command, new CacheError('ERR_CACHE_OPEN'));
  }

  function giveUp(command: Waiting, error: CacheError): void {
    if (!waiting.delete(command)) return;
    command.reject(error);
    if (error.code === 'ERR_CACHE_TIMEOUT') fail(command);
  }

  /** Settles when the command does, when its time is up, or when its server is given up. */
  function waitFor<T, R>(
    server: string,
    key: string,
    timeoutSeconds: number,
    command: Promise<T>,
    use: (answer: T) => Awaitable<R>,
  ): Promise<R> {
    // one promise: with every more a hit costs more
    return new Promise((resolve, reject) => {
      const self = new Waiting(server, key, timeoutSeconds, reject, giveUp);
      waiting.add(self);
      command.then(
        (answer) => {
          if (!waiting.delete(self)) return;
          try {
            resolve(use(answer));
          } catch (error) {
            reject(error);
          }
        },
        (error) => giveUp(self, toCacheError(error)),
      );
    });
  }

  // what has just been connected has just answered
  redis.on('ready', () => change(() => open.clear()));
  // nobody would ever ask for what a server has that owns nothing any more
  redis.on('refresh', () => {
    if (open.size > 0) change(() => forgetStrangers(open, redis as Cluster));
  });

  return {
    run<T, R>(
      key: string,
      timeoutSeconds: number,
      command: () => Promise<T>,
      use: (answer: T) => Awaitable<R> = asItIs,
    ) {
      if (redis.status !== 'ready') {
        // as the driver does with the first command
        if (redis.status === 'wait') redis.connect().catch(() => {});
        return Promise.reject(new CacheError('ERR_CACHE_UNAVAILABLE'));
      }
      const server = serverOf(key);
      const lane = open.size === 0 ? undefined : refusing(server, timeoutSeconds);
      if (lane !== undefined) {
        if (lane.probeAt <= now()) probe(lane, key);
        return Promise.reject(new CacheError('ERR_CACHE_OPEN'));
      }
      return waitFor(server, key, timeoutSeconds, command(), use);
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

const asItIs = (answer: unknown) => answer as never;

/** Tells the server that answers for a key, where there are several. */
function findServers(redis: RedisConnection): (key: string) => string {
  if (!('slots' in redis)) return () => '';
  const prefix = redis.options.keyPrefix ?? '';
  return (key) => redis.slots[new Command('get', [prefix + key]).getSlot()]?.[0] ?? '';
}

function forgetStrangers(open: Set<OpenLane>, { slots }: Cluster): void {
  const owners = new Set(slots.map((servers) => servers?.[0]));
  for (const lane of open) if (!owners.has(lane.server)) open.delete(lane);
}

/** @throws {TypeError} for anything that is no connection of ioredis. */
export function checkConnection(redis: RedisConnection): void {
  if (typeof redis?.getrangeBuffer !== 'function' || typeof redis.status !== 'string')
    throw new TypeError('redis must be a connection of ioredis; connectRedis makes one');
}
