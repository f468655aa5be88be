import type { Cluster, Redis } from 'ioredis';
import { type RedisRevocationsOptions, redisRevocations } from '../../src/redis-revocations.js';
import type { RedisState } from '../../src/redis-state.js';
import { patienceSeconds } from '../patience.js';
import type { Address } from './address.js';
import { eventually } from './eventually.js';
import type { Owned } from './owned.js';
import { openConnection, pepper } from './shared-tier.js';

/** One instance's end of the channel, with all that came out of it. */
export interface Party extends Owned {
  readonly redis: Redis | Cluster;
  readonly channel: ReturnType<typeof redisRevocations>;
  readonly heard: readonly string[];
  /** How often it was told that it may have missed something. */
  readonly gaps: number;
  readonly states: readonly RedisState[];
  /** Resolves when revocations reach it; it need not be for the first time. */
  listening(): Promise<void>;
  /** Resolves when it knows that they do not. */
  cutOff(): Promise<void>;
  /** A second listener of the same channel. */
  listen(): { readonly heard: readonly string[]; readonly gaps: () => number; leave(): void };
}

/** Who listens from the start, and waits for answers as long as it takes. */
export function openParty(address: Address, options: Partial<RedisRevocationsOptions> = {}): Party {
  const { redis, end } = openConnection(address, true);
  const states: RedisState[] = [];
  const channel = redisRevocations(redis, {
    pepper,
    commandTimeoutSeconds: patienceSeconds,
    onStateChange: (state) => states.push(state),
    ...options,
  });
  const listen = () => {
    const heard: string[] = [];
    let gaps = 0;
    const leave = channel.subscribe(
      (digest) => heard.push(digest),
      () => gaps++,
    );
    return { heard, gaps: () => gaps, leave };
  };
  const first = listen();
  return {
    redis,
    channel,
    states,
    heard: first.heard,
    get gaps() {
      return first.gaps();
    },
    listen,
    listening: () =>
      eventually('revocations reach it', () => redis.status === 'ready' && states.at(-1)?.isUp === true),
    cutOff: () => eventually('it knows that it is cut off', () => states.at(-1)?.isUp === false),
    async end() {
      channel.close();
      await end();
    },
  };
}

/** A digest as core makes them. */
export const digestOf = (name: string): string => name.padEnd(43, '-');
