import { type Peppers, redisCache, redisReplayStore, redisRevocations } from '@phantom-token/cache-redis';
import type { ReplayStore, RevocationChannel, TokenCache } from '@phantom-token/core';
import type { RedisOptions } from './config-cache.js';
import { defined } from './defined.js';
import type { Log } from './log.js';
import { openRedis } from './redis-connection.js';

/** What instances share through Redis. */
export interface SharedTier {
  readonly cache: TokenCache;
  readonly replayStore: ReplayStore;
  readonly revocations: RevocationChannel;
  close(): void;
}

export function openShared(options: RedisOptions, log: Log): SharedTier {
  const { keyPrefix, commandTimeoutSeconds, pepper, formerPepper } = options;
  if (pepper === undefined)
    log.warn(
      'cache.redis has no pepper: whoever can write to Redis and has a token can forge what it stands for',
    );
  const redis = openRedis(options, log);
  const peppers = [pepper, formerPepper].filter((it) => it !== undefined) as unknown as Peppers;
  const sealed = defined({ keyPrefix, pepper: pepper && peppers });
  const revocations = redisRevocations(redis, sealed);
  return {
    cache: redisCache(redis, { ...sealed, ...defined({ commandTimeoutSeconds }) }),
    replayStore: redisReplayStore(redis, defined({ keyPrefix, commandTimeoutSeconds })),
    revocations,
    close() {
      revocations.close();
      redis.disconnect();
    },
  };
}
