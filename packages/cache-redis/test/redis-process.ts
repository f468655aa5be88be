import { Redis, type RedisOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import { freePort } from './topologies/free-port.js';
import { forTest } from './topologies/owned.js';
import { type Standalone, startStandalone } from './topologies/standalone.js';

export { freePort };

type ConnectionOptions = Pick<
  RedisOptions,
  'enableOfflineQueue' | 'lazyConnect' | 'maxRetriesPerRequest' | 'retryStrategy'
>;

export interface RedisProcess extends Standalone {
  /** A new connection, ready to use; ended with the test. */
  connect(options?: ConnectionOptions): Promise<Redis>;
}

/** Starts a Redis server of our own, which ends with the test at the latest. */
export async function startRedis(options: { port?: number } = {}): Promise<RedisProcess> {
  const server = await forTest(startStandalone(options));
  return { ...server, connect: (own) => connected(openConnection(server.port, own)) };
}

/** As the README recommends: nothing queues, nothing is tried over and over. */
const recommended = { enableOfflineQueue: false, maxRetriesPerRequest: 0 };

export function openConnection(port: number, options: ConnectionOptions = {}): Redis {
  const redis = new Redis({ port, host: '127.0.0.1', ...recommended, retryStrategy: () => 20, ...options });
  // ioredis prints errors that nobody listens for
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Resolves with a connection of which the next thing to happen is that it can be used. */
export async function connected(redis: Redis): Promise<Redis> {
  await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}
