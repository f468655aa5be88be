import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import { findRedisServer } from '../../../scripts/redis-server.mjs';
import { freePort } from './topologies/free-port.js';

export { freePort };

type ConnectionOptions = Pick<
  RedisOptions,
  'enableOfflineQueue' | 'lazyConnect' | 'maxRetriesPerRequest' | 'retryStrategy'
>;

export interface RedisProcess {
  readonly port: number;
  readonly process: ChildProcess;
  /** A new connection, ready to use; ended with the test. */
  connect(options?: ConnectionOptions): Promise<Redis>;
  kill(): Promise<void>;
}

/** Starts a Redis server of our own, which ends with the test at the latest. */
export async function startRedis({
  port,
  args = [],
}: {
  port?: number;
  args?: readonly string[];
} = {}): Promise<RedisProcess> {
  const chosen = port ?? (await freePort());
  const fixed = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(findRedisServer(), [...fixed, ...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const server: RedisProcess = {
    port: chosen,
    process: child,
    connect: (options) => connect(chosen, options),
    kill,
  };
  await (
    await server.connect({ retryStrategy: () => 20, maxRetriesPerRequest: null, enableOfflineQueue: true })
  ).ping();
  return server;
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

async function connect(port: number, options?: ConnectionOptions): Promise<Redis> {
  const redis = openConnection(port, options);
  await new Promise<void>((resolve) => {
    redis.once('ready', resolve);
  });
  return redis;
}
