export { CacheError } from './cache-error.js';
export {
  type ConnectClusterOptions,
  type ConnectRedisOptions,
  type ConnectSentinelOptions,
  type ConnectStandaloneOptions,
  connectRedis,
} from './connect-redis.js';
export type { Pepper, Peppers } from './pepper.js';
export type { RedisAddress } from './redis-address.js';
export { type RedisCache, type RedisCacheOptions, redisCache } from './redis-cache.js';
export { type RedisReplayStoreOptions, redisReplayStore } from './redis-replay-store.js';
export {
  type RedisRevocations,
  type RedisRevocationsOptions,
  redisRevocations,
} from './redis-revocations.js';
export type { RedisState } from './redis-state.js';
export type { RedisTls } from './redis-tls.js';
