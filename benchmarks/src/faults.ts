// What a Redis that is not well adds to the time of requests: of those that come in the tenth of a second after it began,
// which is until the breaker has opened. One instance without memory, so that all of them ask Redis; a tenth of the
// tokens is new. `--quick` plays each fault fewer times; ends with 1 when the goal is missed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectRedis, redisCache } from '@phantom-token/cache-redis';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { quantile } from './paired.js';
import { startPlainAuthority } from './plain-authority.js';
import { type RedisServer, startRedis } from './redis-server.js';

const goalMilliseconds = 50;
const rounds = process.argv.includes('--quick') ? 5 : 25;
/** Milliseconds, as are all times here. */
const intervalOfRequests = 4;
const calm = 500;
const storm = 100;

/** The way to Redis, which can be made slow. */
interface Way {
  readonly url: string;
  delay: number;
}

interface Stage {
  server: RedisServer;
  readonly way: Way;
  /** Past the way. */
  readonly admin: Redis;
}

interface Fault {
  readonly title: string;
  begin(stage: Stage): unknown;
  end(stage: Stage): unknown;
}

const portOf = (url: string) => Number(new URL(url).port);

const faults: readonly Fault[] = [
  {
    title: 'killed',
    begin: ({ server }) => server.process.kill('SIGKILL'),
    async end(stage) {
      stage.server = await startRedis(portOf(stage.server.url));
    },
  },
  {
    title: 'stopped, its connections open',
    begin: ({ server }) => server.process.kill('SIGSTOP'),
    end: ({ server }) => server.process.kill('SIGCONT'),
  },
  {
    title: 'half a second away',
    begin({ way }) {
      way.delay = 500;
    },
    end({ way }) {
      way.delay = 0;
    },
  },
  {
    title: 'out of memory',
    begin: ({ admin }) => admin.config('SET', 'maxmemory', '1'),
    end: ({ admin }) => admin.config('SET', 'maxmemory', '0'),
  },
  {
    title: 'a replica',
    begin: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    end: ({ admin }) => admin.replicaof('NO', 'ONE'),
  },
  {
    title: 'refusing by its ACL',
    begin: ({ admin }) => admin.acl('SETUSER', 'default', '-getrange', '-set'),
    end: ({ admin }) => admin.acl('SETUSER', 'default', '+@all'),
  },
  {
    title: 'emptied',
    begin: ({ admin }) => admin.flushall(),
    end: () => {},
  },
];

if (process.send === undefined) await measure();
else process.send(await startPlainAuthority());

async function measure(): Promise<never> {
  console.log(`${rounds} rounds each; milliseconds\n`);
  console.log('| Redis is | p99 before | p99 after | added | goal | |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  const endpoint = await startAuthority();
  let missed = 0;
  for (const fault of faults) {
    const { before, after } = await play(fault, endpoint);
    const added = after - before;
    const isMet = added <= goalMilliseconds;
    if (!isMet) missed++;
    const figures = [before, after, added].map((it) => it.toFixed(1)).join(' | ');
    console.log(`| ${fault.title} | ${figures} | ≤ ${goalMilliseconds} | ${isMet ? 'met' : 'MISSED'} |`);
  }
  process.exit(missed === 0 ? 0 : 1);
}

/** In a process of its own, since what it does would be part of every figure. */
async function startAuthority(): Promise<string> {
  const child = fork(fileURLToPath(import.meta.url));
  process.on('exit', () => child.kill());
  const [{ endpoint }] = await once(child, 'message');
  return endpoint;
}

async function play(fault: Fault, endpoint: string) {
  const server = await startRedis();
  const admin = connectRedis({ url: server.url }) as Redis;
  const way = await openWay(portOf(server.url));
  const redis = connectRedis({ url: way.url });
  const client = createPhantomTokenClient({
    introspectionEndpoint: endpoint,
    clientAuth: clientSecretBasic('bench', 'secret'),
    accept: 'application/json',
    cache: redisCache(redis),
  });
  const stage: Stage = { server, way, admin };
  const before: number[] = [];
  const after: number[] = [];
  let turn = 0;
  const ask = async (durations: number[]) => {
    const newest = Math.floor(turn++ / 10);
    const token = `token-${Math.max(0, newest - Math.floor(Math.random() * 20))}`;
    const startedAt = performance.now();
    await client.exchange(token);
    durations.push(performance.now() - startedAt);
  };
  const load = async (milliseconds: number, durations: number[]) => {
    const asked: Promise<void>[] = [];
    const endsAt = performance.now() + milliseconds;
    while (performance.now() < endsAt) {
      asked.push(ask(durations));
      await sleep(intervalOfRequests);
    }
    await Promise.all(asked);
  };
  for (let round = -1; round < rounds; round++) {
    // until all that came of the last round is over
    await sleep(1500);
    await load(calm, []);
    const [calmly, stormily] = round < 0 ? [[], []] : [before, after];
    await load(calm, calmly);
    await fault.begin(stage);
    await load(storm, stormily);
    await fault.end(stage);
  }
  redis.disconnect();
  admin.disconnect();
  stage.server.process.kill('SIGKILL');
  return { before: quantile(before, 0.99), after: quantile(after, 0.99) };
}

async function openWay(port: number): Promise<Way> {
  const way = { url: '', delay: 0 };
  const pump = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (way.delay === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), way.delay);
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
  };
  const listener = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port, noDelay: true });
    client.setNoDelay();
    pump(client, server);
    pump(server, client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  way.url = `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return way;
}
