import { Redis } from 'ioredis';
import type { Log } from './log.js';

/** A connection that never keeps a request waiting: nothing queues while Redis is away. One log line a change of state. */
export function connectRedis(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 1000,
    connectTimeout: 2000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1000),
  });
  let isUp: boolean | undefined;
  redis.on('ready', () => {
    if (isUp === false) log.info('the shared cache is back');
    isUp = true;
  });
  redis.on('error', (error: Error & { code?: string }) => {
    if (isUp !== false)
      log.warn({ code: error.code ?? error.name }, 'the shared cache cannot be reached; going on without it');
    isUp = false;
  });
  return redis;
}
