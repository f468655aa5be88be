export { CacheError } from './cache-error.js';
export { type RedisCacheOptions, redisCache } from './redis-cache.js';
