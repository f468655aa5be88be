import { randomBytes } from 'node:crypto';
import type { TokenCache } from '@phantom-token/core';
import type { Cluster, Redis } from 'ioredis';
import { connectRedis } from '../../src/connect-redis.js';
import type { Pepper, Peppers } from '../../src/pepper.js';
import { redisCache } from '../../src/redis-cache.js';
import type { RedisState } from '../../src/redis-state.js';
import { bePatient } from '../patience.js';
import type { Address } from './address.js';
import type { Owned } from './owned.js';

export const makePepper = (id: string): Pepper => ({ id, secret: randomBytes(32).toString('base64') });

/** The pepper of tests that are about something else. */
export const pepper = makePepper('p1');

/** A connection as the package makes it, with all that it said of itself. */
export interface Connection extends Owned {
  readonly redis: Redis | Cluster;
  readonly states: readonly RedisState[];
}

/** @param isPatient Whether it waits as long as it takes, instead of within the package's own bounds. */
export function openConnection(address: Address, isPatient = false): Connection {
  const states: RedisState[] = [];
  const redis = connectRedis({ ...address, onStateChange: (state) => states.push(state) });
  if (isPatient) bePatient(redis);
  return {
    redis,
    states,
    async end() {
      redis.disconnect();
    },
  };
}

export interface SharedTierOptions {
  /** Default: one that all tests of a file have in common. */
  readonly pepper?: Peppers;
  readonly commandTimeoutSeconds?: number;
  readonly keyPrefix?: string;
}

export const openCache = (redis: Redis | Cluster, options: SharedTierOptions = {}): TokenCache =>
  redisCache(redis, { pepper, ...options });
