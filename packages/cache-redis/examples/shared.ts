import { connectRedis, redisCache, redisRevocations } from '@phantom-token/cache-redis';
import { clientSecretBasic, createPhantomTokenClient, memoryCache, tieredCache } from '@phantom-token/core';

const redis = connectRedis({ url: 'rediss://cache.internal' });
const pepper = { id: '2026-11', secret: process.env.PEPPER ?? '' };

export const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
  cache: tieredCache(memoryCache(), redisCache(redis, { pepper })),
  revocations: redisRevocations(redis, { pepper }),
});
