import { redisReplayStore } from '@phantom-token/cache-redis';
import { dpopVerifier } from '@phantom-token/core';
import { Redis } from 'ioredis';

const redis = new Redis('rediss://cache.internal', { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
redis.on('error', (error) => console.error('redis:', error.message));

/** For every adapter: `phantomToken({ client, dpop })`. */
export const dpop = dpopVerifier({
  origin: 'https://api.example.com',
  replayStore: redisReplayStore(redis, { onError: ({ code }) => console.error('replay store:', code) }),
});
