import { type Peppers, redisCache, redisReplayStore, redisRevocations } from '@phantom-token/cache-redis';
import type { ReplayStore, RevocationChannel, TokenCache } from '@phantom-token/core';
import type { CacheOptions, RedisOptions } from './config-cache.js';
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

/** What clocks, and an answer that is on its way while something is revoked, may add to the time of an entry. Seconds. */
const slackSeconds = 60;
/** The least, so that what one instance of several says holds while their files differ. Seconds. */
const leastMemorySeconds = 3600;

/** How long Redis has to know what was revoked: as long as there may be entries from before. */
const memorySeconds = ({ maxTtlSeconds = 300, staleIfErrorSeconds = 0 }: CacheOptions) =>
  Math.max(leastMemorySeconds, maxTtlSeconds + staleIfErrorSeconds + slackSeconds);

export function openShared(options: RedisOptions, cache: CacheOptions, log: Log): SharedTier {
  const { keyPrefix, commandTimeoutSeconds, pepper, formerPepper } = options;
  if (pepper === undefined)
    log.warn(
      'cache.redis has no pepper: whoever can write to Redis and has a token can forge what it stands for',
    );
  const peppers = [pepper, formerPepper].filter((it) => it !== undefined) as unknown as Peppers;
  const sealed = defined({ keyPrefix, pepper: pepper && peppers });
  const redis = openRedis(options, log);
  try {
    const revocations = redisRevocations(redis, { ...sealed, memorySeconds: memorySeconds(cache) });
    return {
      cache: redisCache(redis, { ...sealed, ...defined({ commandTimeoutSeconds }) }),
      replayStore: redisReplayStore(redis, defined({ keyPrefix, commandTimeoutSeconds })),
      revocations,
      close() {
        revocations.close();
        redis.disconnect();
      },
    };
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}
