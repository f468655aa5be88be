import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis, RedisOptions } from 'ioredis';
import { atMost } from './at-most.js';
import { CacheError, toCacheError } from './cache-error.js';
import type { RedisConnection } from './redis-breaker.js';

/** A subscription that is kept up: after each loss it is begun anew, until it is closed. */
export interface SubscriberLink {
  close(): void;
}

export interface SubscriberLinkOptions {
  /** Full names, whatever prefix the connection adds to keys. */
  readonly channels: readonly string[];
  readonly onMessage: (channel: string, message: Buffer) => void;
  /** All that is published from here on is heard. */
  readonly onUp: () => void;
  /** The link has just answered; said about once a second. */
  readonly onBeat: () => void;
  /** What is published from here on may be missed, and what was published since the last beat may have been. */
  readonly onDown: (error: CacheError) => void;
}

/** How often the link is asked whether it lives, since one that is dead may say nothing. Seconds. */
const beatSeconds = 1;
/** How long the answer may take. Seconds. */
const answerSeconds = 0.5;
/** How long it may take to be connected, and to be subscribed. Seconds. */
const openSeconds = 3;

/** All sooner or later, and never all instances at once. Seconds. */
const pauseBefore = (attempt: number) => Math.min(attempt * 0.1, 1) * (0.5 + Math.random() / 2);

/** A connection that is opened for one attempt, and ends with it. Milliseconds. */
const singleAttempt = {
  lazyConnect: true,
  autoResubscribe: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  connectTimeout: openSeconds * 1000,
  commandTimeout: openSeconds * 1000,
  disconnectTimeout: 200,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
  reconnectOnError: null,
} satisfies RedisOptions;

/** Nothing where no server is known yet. */
function openOwn(redis: RedisConnection): Redis | undefined {
  if (!('slots' in redis)) return redis.duplicate(singleAttempt);
  if (redis.status === 'wait') redis.connect().catch(() => {});
  // every server of a cluster passes on what any of them was told
  const nodes = redis.nodes('master');
  return nodes[Math.floor(Math.random() * nodes.length)]?.duplicate(singleAttempt);
}

/** @param given A connection for subscriptions alone that is somebody else's: it reconnects by itself, and stays open. */
export function openSubscriberLink(
  redis: RedisConnection,
  given: Redis | undefined,
  { channels, onMessage, onUp, onBeat, onDown }: SubscriberLinkOptions,
): SubscriberLink {
  const closing = new AbortController();
  let messages = 0;
  const hear = (channel: Buffer, message: Buffer) => {
    messages++;
    onMessage(channel.toString(), message);
  };

  /** One that still passes on messages is busy, not dead. @throws when nothing at all comes in time. */
  async function answered(ping: () => Promise<unknown>): Promise<void> {
    let asked = messages;
    let answer = ping();
    for (;;) {
      const before = messages;
      try {
        await atMost(answerSeconds, answer);
        return;
      } catch (error) {
        // the driver's patience ends as well, and may at the very beginning of ours
        const isSettled = !(error instanceof CacheError);
        if (messages === (isSettled ? asked : before)) throw error;
        if (!isSettled) continue;
        asked = messages;
        answer = ping();
      }
    }
  }

  /** Serves for as long as the connection does. @throws when that is over. */
  async function serve(connection: Redis, ending: AbortController): Promise<void> {
    const { signal } = ending;
    await atMost(openSeconds, connected(connection, signal));
    const lose = () => ending.abort();
    connection.once('close', lose);
    try {
      await atMost(openSeconds, connection.subscribe(...channels));
      signal.throwIfAborted();
      onUp();
      for (;;) {
        // nothing of a beat stays behind: the link may last for months
        await sleep(beatSeconds * 1000, undefined, { signal, ref: false });
        await answered(() => connection.ping());
        onBeat();
      }
    } finally {
      connection.off('close', lose);
    }
  }

  /** One attempt from its beginning to its end, which is told. */
  async function attempt(connection: Redis): Promise<CacheError> {
    const ending = new AbortController();
    let fault: CacheError | undefined;
    const note = (error: unknown) => {
      fault ??= toCacheError(error);
    };
    const end = () => {
      ending.abort();
      connection.off('messageBuffer', hear);
      if (connection !== given) connection.disconnect();
      else if (closing.signal.aborted) connection.unsubscribe(...channels).catch(() => {});
      // it is connected, and does not answer
      else if (fault?.code === 'ERR_CACHE_TIMEOUT' && connection.status === 'ready')
        connection.disconnect(true);
    };
    closing.signal.addEventListener('abort', end);
    // the driver prints what nobody listens for
    connection.on('error', note);
    connection.on('messageBuffer', hear);
    await serve(connection, ending).catch(note);
    closing.signal.removeEventListener('abort', end);
    if (!closing.signal.aborted) end();
    if (connection === given) connection.off('error', note);
    return fault ?? new CacheError('ERR_CACHE_UNAVAILABLE');
  }

  async function attend(): Promise<void> {
    const { signal } = closing;
    for (let attempts = 1; ; attempts++) {
      const connection = given ?? openOwn(redis);
      const startedAt = performance.now();
      const error =
        connection === undefined ? new CacheError('ERR_CACHE_UNAVAILABLE') : await attempt(connection);
      if (signal.aborted) return;
      onDown(error);
      // one that lasted was none of a row of failures
      if (performance.now() - startedAt > 2 * openSeconds * 1000) attempts = 1;
      await sleep(pauseBefore(attempts) * 1000, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  attend();
  return { close: () => closing.abort() };
}

/** Resolves when commands can be sent. */
async function connected(connection: Redis, signal: AbortSignal): Promise<void> {
  if (connection.status === 'ready') return;
  if (connection.status === 'end') throw new CacheError('ERR_CACHE_UNAVAILABLE');
  if (connection.status === 'wait') await connection.connect();
  else await once(connection, 'ready', { signal });
}
