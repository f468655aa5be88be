import type { RevocationChannel } from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { type CacheError, toCacheError } from './cache-error.js';
import { optionalFunction, positiveSeconds, refuseUnknown, text } from './option-checks.js';
import { type Peppers, readPeppers } from './pepper.js';
import { breakerOf, checkConnection, type RedisConnection } from './redis-breaker.js';
import type { RedisState } from './redis-state.js';
import { createRevocationAudience, quietly } from './revocation-audience.js';
import {
  createRevocationMessages,
  makeNonce,
  messageVersion,
  nonceOf,
  type RevocationMessages,
} from './revocation-messages.js';
import { createRevocationRecord } from './revocation-record.js';
import type { Bytes } from './sealing-primitives.js';
import { openSubscriberLink, type SubscriberLink } from './subscriber-link.js';

export interface RedisRevocationsOptions {
  /**
   * What messages are sealed with, the same on all instances; that of `redisCache` will do. Two while it is replaced:
   * whoever has one of them hears what is said with both. Default none: whoever has access to Redis can guess who was revoked, and say
   * so of anybody.
   */
  readonly pepper?: Peppers;
  /** What the names of the channel and of the key beside it begin with. Default `pt:`. */
  readonly keyPrefix?: string;
  /**
   * A connection that is used for nothing but subscriptions, to the same Redis. It is neither opened nor closed here, and
   * must reconnect by itself. Default: one like `redis`, opened when somebody listens and closed when nobody does.
   */
  readonly subscriber?: Redis;
  /**
   * How long Redis keeps what was revoked for instances that start or were cut off. At least the `maxTtlSeconds` and
   * `staleIfErrorSeconds` of all clients together, or they may use entries of subjects that were revoked before they
   * came. Clocks may differ by as much. Seconds, default 3600.
   */
  readonly memorySeconds?: number;
  /** The longest that one command is waited for. Seconds, default 0.5. */
  readonly commandTimeoutSeconds?: number;
  /** Told whenever revocations begin to reach this process or cease to; the first time when it is known. */
  readonly onStateChange?: (state: RedisState) => void;
  /** The clock, as a NumericDate. Default: the system's. */
  readonly now?: () => number;
}

/** What instances tell each other of revocations, through Redis. */
export interface RedisRevocations extends RevocationChannel {
  /**
   * @throws {CacheError} when Redis did not take the message, or did not keep it for instances that are not there.
   * @throws {TypeError} for what is no digest.
   */
  publish(digest: string): Promise<void>;
  /** Hears of nothing more, and ends the connection that was opened for it. What was given stays open. */
  close(): void;
}

const known: Record<keyof RedisRevocationsOptions, true> = {
  pepper: true,
  keyPrefix: true,
  subscriber: true,
  memorySeconds: true,
  commandTimeoutSeconds: true,
  onStateChange: true,
  now: true,
};

/** How often the record is read again while all is well: a message may get lost between the servers of a cluster. */
const beatsBetweenReads = 5;

interface Line {
  /** Of the key beside the channel, as commands take it. */
  readonly name: string;
  readonly channel: string;
  readonly messages: RevocationMessages;
  /** Up to where its record was read. */
  position: string | undefined;
}

/**
 * Revocations over Redis' publish and subscribe, for `revocations` of every client that shares this Redis. Messages are
 * sealed with the pepper: Redis and its dumps tell nobody what was revoked, and who has no pepper can make none, but at
 * worst keep them from arriving. A link that is cut is noticed within two seconds, and what was missed is made up for as
 * soon as it holds again. While it does not, `maxTtlSeconds` bounds what a revocation may take.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function redisRevocations(
  redis: RedisConnection,
  options: RedisRevocationsOptions = {},
): RedisRevocations {
  const { peppers, keyPrefix, subscriber, now, onStateChange, ...bounds } = readOptions(redis, options);
  const record = createRevocationRecord(redis, breakerOf(redis), bounds);
  const lines = peppers.map((pepper): Line => {
    const name = `${keyPrefix}revocations:${messageVersion}:{${pepper.id}}`;
    const channel = `${redis.options.keyPrefix ?? ''}${name}`;
    const messages = createRevocationMessages({ pepper, channel, ...bounds });
    return { name, channel, messages, position: undefined };
  });
  const audience = createRevocationAudience();
  let link: SubscriberLink | undefined;
  let isUp = false;
  /** Whether the link was lost, or not had at once, since somebody listens. */
  let wasLost = false;
  /** Whether the record may have what none of the listeners heard. */
  let isBehind = true;
  let isReading = false;
  let beats = 0;
  let told: string | undefined;

  function tell(state: RedisState): void {
    const summary = state.isUp ? 'up' : state.code;
    if (summary === told) return;
    told = summary;
    quietly(() => onStateChange?.(state));
  }

  async function take(line: Line, message: Bytes): Promise<void> {
    const nonce = nonceOf(message);
    // what all have heard is not opened again
    if (!audience.isNews(nonce)) return;
    const opened = line.messages.open(message, now());
    const digest = opened instanceof Promise ? await opened : opened;
    if (digest !== undefined) audience.spread(nonce, digest);
  }

  async function readRecords(): Promise<void> {
    const latecomers = audience.latecomers();
    const isWhole = isBehind || latecomers.length > 0;
    const wasBehind = isBehind;
    isBehind = false;
    try {
      for (const line of lines) {
        const after = isWhole ? undefined : line.position;
        line.position = await record.read(line.name, after, (message) => take(line, message));
      }
      for (const member of latecomers) member.isCaughtUp = true;
    } catch (error) {
      isBehind ||= wasBehind;
      throw error;
    }
  }

  const isComplete = () => !isBehind && audience.latecomers().length === 0;

  /** Reads until all who listen know all that is kept. What fails is tried again with the next beat. */
  async function catchUp(): Promise<void> {
    if (!isUp || isReading || redis.status !== 'ready') return;
    isReading = true;
    try {
      do await readRecords();
      while (isUp && !isComplete());
      if (isUp) tell({ isUp: true });
    } catch (error) {
      fail(toCacheError(error));
    } finally {
      isReading = false;
    }
  }

  function fail({ code }: CacheError): void {
    // what was only looked at again is heard all the same
    if (isComplete()) return;
    tell({ isUp: false, code });
    if (isBehind && !wasLost) {
      wasLost = true;
      audience.gap();
    }
  }

  const callbacks = {
    channels: lines.map(({ channel }) => channel),
    onMessage(channel: string, message: Buffer) {
      const line = lines.find((it) => it.channel === channel);
      if (line !== undefined) take(line, message as Bytes).catch(() => {});
    },
    onUp() {
      isUp = true;
      isBehind = true;
      // at once, although the record is read only now: what it has holds for what is found in the meantime, too
      if (wasLost) audience.gap();
      catchUp();
    },
    onBeat() {
      beats++;
      if (!isComplete() || beats % beatsBetweenReads === 0) catchUp();
    },
    onDown({ code }: CacheError) {
      isUp = false;
      wasLost = true;
      tell({ isUp: false, code });
    },
  };

  function openLink(): void {
    if (redis.status === 'wait') redis.connect().catch(() => {});
    redis.on('ready', catchUp);
    link = openSubscriberLink(redis, subscriber, callbacks);
  }

  function closeLink(): void {
    redis.off('ready', catchUp);
    link?.close();
    link = undefined;
    isUp = false;
    wasLost = false;
    told = undefined;
  }

  return Object.freeze({
    async publish(digest: string) {
      const at = now();
      // one for all, each under a key of its own: who understands several hears it once
      const nonce = makeNonce();
      const sealed = await Promise.all(lines.map((line) => line.messages.seal(digest, at, nonce)));
      // those of this process need no Redis to hear it
      audience.spread(nonceOf(sealed[0] as Bytes), digest);
      const told = lines.map((line, index) => record.publish(line.name, sealed[index] as Bytes));
      for (const outcome of await Promise.allSettled(told))
        if (outcome.status === 'rejected') throw outcome.reason;
    },
    subscribe(hear: (digest: string) => void, onGap: () => void) {
      const member = audience.join({ hear, gap: onGap });
      if (link === undefined) openLink();
      else catchUp();
      return () => {
        if (audience.leave(member) && audience.isEmpty) closeLink();
      };
    },
    close() {
      audience.leaveAll();
      closeLink();
    },
  });
}

function readOptions(redis: RedisConnection, options: RedisRevocationsOptions) {
  checkConnection(redis);
  refuseUnknown('redisRevocations', options, known);
  const { keyPrefix = 'pt:', subscriber, memorySeconds = 3600, commandTimeoutSeconds = 0.5 } = options;
  if (subscriber !== undefined) checkSubscriber(redis, subscriber);
  return {
    peppers: readPeppers(options.pepper),
    keyPrefix: text('keyPrefix', keyPrefix),
    subscriber,
    memorySeconds: positiveSeconds('memorySeconds', memorySeconds),
    commandTimeoutSeconds: positiveSeconds('commandTimeoutSeconds', commandTimeoutSeconds),
    onStateChange: optionalFunction('onStateChange', options.onStateChange),
    now: optionalFunction('now', options.now) ?? (() => Date.now() / 1000),
  };
}

function checkSubscriber(redis: RedisConnection, subscriber: Redis): void {
  if (typeof subscriber?.subscribe !== 'function' || 'slots' in subscriber)
    throw new TypeError('subscriber must be a connection of ioredis to one server');
  if (subscriber === redis)
    throw new TypeError('subscriber must be another connection than redis: it can do nothing else');
}
