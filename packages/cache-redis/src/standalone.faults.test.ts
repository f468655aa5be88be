import { rm } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { openAdmin } from '../test/topologies/admin.js';
import { eventually } from '../test/topologies/eventually.js';
import { failuresOf } from '../test/topologies/fleet.js';
import { freePort } from '../test/topologies/free-port.js';
import {
  expectBoundedIntrospections,
  expectLeftAlone,
  expectUnharmed,
  startLoad,
} from '../test/topologies/load.js';
import { forTest } from '../test/topologies/owned.js';
import { setStage } from '../test/topologies/stage.js';
import { type Standalone, type StandaloneOptions, startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });

interface Play {
  readonly server: Standalone;
  /** The test's own connection. */
  readonly redis: Redis;
}

interface Fault {
  readonly title: string;
  /** What the instances say of it, where it shows. */
  readonly code?: string;
  readonly options?: StandaloneOptions;
  /** Brings it about; what it returns ends it, where it does not end by itself. */
  begin(play: Play): Promise<undefined | (() => Promise<unknown>)>;
  /** Whether it happened, where no code shows it. */
  hasHappened?(play: Play): Promise<boolean>;
}

/** Does it every 20 ms until told to stop. */
function overAndOver(act: () => Promise<unknown>): () => Promise<void> {
  let goesOn = true;
  const acting = (async () => {
    while (goesOn) {
      await act();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return () => {
    goesOn = false;
    return acting;
  };
}

/** All connections but this one. */
const closeAll = (redis: Redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

const statistic = async (redis: Redis, name: string) =>
  Number(new RegExp(`${name}:(\\d+)`).exec(await redis.info('stats'))?.[1]);

const tokenKeys = (redis: Redis) => redis.keys('pt:*');

/** Restarts it with so much to load that it takes a second or two, during which it answers LOADING. */
async function restartLoading({ server, redis }: Play) {
  const filler = Array.from({ length: 2_000 }, (_, index) => [`filler:${index}`, 'x'.repeat(100)]).flat();
  await redis.mset(filler);
  await redis.save();
  await server.kill();
  await server.restart({ ready: /Server initialized/ });
  return undefined;
}

/** Runs a script without end; Redis answers BUSY to everybody else. */
async function runForever({ server, redis }: Play) {
  const other = await openAdmin(server);
  const running = other.redis.eval('while true do end', 0).catch(() => {});
  return async () => {
    await redis.script('KILL');
    await running;
    await other.end();
  };
}

/** Has it fail to save, so that it refuses writes. */
async function failToSave({ server, redis }: Play) {
  await rm(server.data, { recursive: true });
  await redis.bgsave();
  await eventually('saving has failed', async () =>
    (await redis.info('persistence')).includes('rdb_last_bgsave_status:err'),
  );
  return () => redis.config('SET', 'stop-writes-on-bgsave-error', 'no');
}

/** Each leaves something else that is no entry; the key may be gone, or spoilt already. */
const spoil: readonly ((redis: Redis, key: string) => Promise<unknown>)[] = [
  (redis, key) => redis.set(key, ''),
  (redis, key) => redis.set(key, 'garbage'),
  (redis, key) => redis.set(key, Buffer.from([0, 255, 254, 128])),
  (redis, key) => redis.set(key, 'x'.repeat(1_500_000)),
  (redis, key) => redis.setrange(key, 40, 'garbage').catch(() => {}),
  (redis, key) => redis.append(key, 'garbage').catch(() => {}),
  (redis, key) => redis.multi().del(key).lpush(key, 'garbage').exec(),
];

const faults: readonly Fault[] = [
  {
    title: 'is killed, and started again, empty',
    code: 'ERR_CACHE_UNAVAILABLE',
    async begin({ server }) {
      await server.kill();
      return () => server.restart();
    },
  },
  {
    title: 'stands still, with its connections open',
    code: 'ERR_CACHE_TIMEOUT',
    async begin({ server }) {
      server.pause();
      return async () => server.resume();
    },
  },
  {
    title: 'lets its clients wait',
    code: 'ERR_CACHE_TIMEOUT',
    async begin({ redis }) {
      return overAndOver(() => redis.client('PAUSE', 700));
    },
  },
  {
    title: 'is made a replica that takes no writes',
    code: 'READONLY',
    async begin({ redis }) {
      await redis.replicaof('127.0.0.1', await freePort());
      return () => redis.replicaof('NO', 'ONE');
    },
  },
  {
    title: 'has no memory left',
    code: 'OOM',
    async begin({ redis }) {
      await redis.config('SET', 'maxmemory', '1');
      return () => redis.config('SET', 'maxmemory', '0');
    },
  },
  {
    title: 'evicts what it was just given',
    options: { maxMemoryPolicy: 'allkeys-lru' },
    async begin({ redis }) {
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
      await redis.config('SET', 'maxmemory', String(used + 20_000));
      return () => redis.config('SET', 'maxmemory', '0');
    },
    hasHappened: async ({ redis }) => (await statistic(redis, 'evicted_keys')) > 0,
  },
  {
    title: 'is emptied over and over',
    async begin({ redis }) {
      return overAndOver(() => redis.flushall());
    },
  },
  {
    title: 'closes every connection over and over',
    code: 'ERR_CACHE_UNAVAILABLE',
    async begin({ redis }) {
      return overAndOver(() => closeAll(redis));
    },
    hasHappened: async ({ redis }) => (await statistic(redis, 'total_connections_received')) > 30,
  },
  {
    title: 'runs a script without end',
    code: 'BUSY',
    options: { config: ['lua-time-limit 10'] },
    begin: runForever,
  },
  {
    title: 'cannot save and so takes no writes',
    code: 'MISCONF',
    options: { config: ['save 3600 1'] },
    begin: failToSave,
  },
  {
    title: 'loads its data',
    options: { config: ['key-load-delay 500', 'loading-process-events-interval-bytes 1024'] },
    begin: restartLoading,
    // what was stored before is there again
    hasHappened: async ({ redis }) => (await redis.exists('filler:0')) === 1,
  },
  {
    title: 'has garbage written over every entry, over and over',
    async begin({ redis }) {
      let turn = 0;
      return overAndOver(async () => {
        for (const key of await tokenKeys(redis)) await spoil[turn++ % spoil.length]?.(redis, key);
      });
    },
  },
];

describe('eight instances go on without a fault of their own, and share again without a restart, when their Redis', () => {
  it.each(faults)('$title', async ({ code, options, begin, hasHappened }) => {
    const server = await forTest(startStandalone(options));
    const { redis } = await forTest(openAdmin(server));
    const { authority, fleet } = await setStage(server.address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const end = await begin({ server, redis });
    await load.more(600);
    if (code !== undefined) await eventually('the instances notice', () => code in failuresOf(fleet));
    if (hasHappened) await eventually('it happens', () => hasHappened({ server, redis }));
    await end?.();
    await fleet.share();
    const report = await load.stop();
    expectUnharmed(report);
    expectBoundedIntrospections(fleet, authority);
    if (code === 'ERR_CACHE_TIMEOUT') expectLeftAlone(fleet);
  });

  it('was not there when they started, of which they tell once', async () => {
    const port = await freePort();
    const { authority, fleet } = await setStage({ url: `redis://127.0.0.1:${port}` }, { isPatient: true });
    const load = startLoad(fleet, authority);
    await load.more(800);
    await forTest(startStandalone({ port }));
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    for (const { connection } of fleet.instances)
      expect(connection.states).toEqual([{ isUp: false, code: 'ECONNREFUSED' }, { isUp: true }]);
  });

  it('closed their connections while nobody asked, or was another one meanwhile', async () => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    const { authority, fleet } = await setStage(server.address);
    await fleet.share();
    await closeAll(redis);
    const askAll = (token: string) =>
      Promise.all(
        fleet.instances.map(
          async ({ client }) => (await client.exchange(token)).claims.sub === authority.subjectOf(token),
        ),
      );
    expect(await askAll('first')).not.toContain(false);
    await fleet.share();
    await server.kill();
    await server.restart();
    expect(await askAll('second')).not.toContain(false);
    await fleet.share();
  });
});

describe('many hot tokens', () => {
  it('cost hardly more than one introspection each when Redis is emptied, however many instances want them', async () => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    // no memory, and patience for a busy machine: each request is Redis' to answer
    const { authority, fleet } = await setStage(server.address, { memoryEntries: 0, isPatient: true });
    await fleet.connected();
    const tokens = 200;
    const nextToken = (turn: number) => `token-${turn % tokens}`;
    const load = startLoad(fleet, authority, { nextToken });
    await load.more(8 * tokens);
    const empty = async () => {
      authority.forgetCounts();
      await redis.flushall();
      await load.more(8 * tokens * 2);
      // one that was introspected just before may have been stored just after
      for (let turns = 0; turns < 20 && authority.introspections < tokens; turns++) await load.more(tokens);
      expect(authority.introspections).toBeGreaterThan(tokens * 0.9);
      expectBoundedIntrospections(fleet, authority);
      return authority.introspections;
    };
    // whoever asks when it is emptied loses his claim; and claims run out where the machine stands still, but not every time
    await expect.poll(empty, { timeout: 120_000 }).toBeLessThan(tokens * 1.5);
    expectUnharmed(await load.stop());
  });
});

describe('instances whose connection is closed for good with commands in the air', () => {
  it.each(['quit', 'disconnect'] as const)('by %s go on, and leave nothing behind', async (how) => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    const { authority, fleet } = await setStage(server.address, { isPatient: true });
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(400);
    // the driver does not always wait for the answer to its own quit
    await Promise.allSettled(fleet.instances.map(({ connection }) => connection.redis[how]()));
    await load.more(400);
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    await eventually('only ours is left', async () =>
      /connected_clients:1\r/.test(await redis.info('clients')),
    );
  });
});
