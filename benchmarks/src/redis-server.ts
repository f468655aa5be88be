import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis } from '@phantom-token/cache-redis';
import { findRedisServer } from '../../scripts/redis-server.mjs';

/** A Redis of its own on a port of its own, which ends with this process. */
export interface RedisServer {
  readonly url: string;
  readonly process: ChildProcess;
}

/** @param port Default: one that is free. */
export async function startRedis(port?: number): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const options = { port: chosen, bind: '127.0.0.1', save: '', appendonly: 'no' };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn(findRedisServer(), args, { stdio: 'ignore' });
  const end = () => server.kill('SIGKILL');
  process.on('exit', end);
  server.on('exit', () => process.off('exit', end));
  const url = `redis://127.0.0.1:${chosen}`;
  await answers(url);
  return { url, process: server };
}

async function answers(url: string): Promise<void> {
  const redis = connectRedis({ url });
  while (redis.status !== 'ready') await sleep(5);
  redis.disconnect();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
