import { redisCache } from '@phantom-token/cache-redis';
import { clientSecretBasic, createPhantomTokenClient, memoryCache, tieredCache } from '@phantom-token/core';
import { Redis } from 'ioredis';

const redis = new Redis('rediss://cache.internal', { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
redis.on('error', (error) => console.error('redis:', error.message));

export const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
  cache: tieredCache(memoryCache(), redisCache(redis)),
});
