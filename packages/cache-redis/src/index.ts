export { CacheError } from './cache-error.js';
export { type RedisCacheOptions, redisCache } from './redis-cache.js';
export { type RedisReplayStoreOptions, redisReplayStore } from './redis-replay-store.js';
