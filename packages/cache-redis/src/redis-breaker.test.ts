import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, type Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort, openConnection, startRedis } from '../test/redis-process.js';
import { startCluster } from '../test/topologies/cluster.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { breakerOf, createRedisBreaker } from './redis-breaker.js';
import { redisCache } from './redis-cache.js';
import { redisReplayStore } from './redis-replay-store.js';

const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

/** A breaker whose clock stands still until it is moved; `asked` counts the probes. */
async function setUp(options: { link?: boolean } = {}) {
  const server = await startRedis();
  const link = options.link ? await forTest(openLink(server.port)) : undefined;
  const redis = link === undefined ? await server.connect() : await ready(openConnection(link.port));
  const time = { now: 0 };
  const breaker = createRedisBreaker(redis, () => time.now);
  const probes = vi.spyOn(redis, 'exists');
  const get = (timeoutSeconds = 0.05) => breaker.run('k', timeoutSeconds, () => redis.get('k'));
  const changes: boolean[] = [];
  breaker.onChange((isOpen) => changes.push(isOpen));
  // on a busy machine a probe or two may come too late
  const recovers = () =>
    expect
      .poll(() => {
        time.now++;
        return get(1).catch(({ code }) => code);
      })
      .toBeNull();
  return { server, link, redis, breaker, get, time, probes, changes, recovers };
}

async function ready(redis: Redis): Promise<Redis> {
  await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

/** Open, its server stopped, and the first probe gone unanswered. */
async function setUpOpen() {
  const stage = await setUp();
  stage.server.process.kill('SIGSTOP');
  await expect(stage.get()).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
  await sleep(100);
  return stage;
}

const seconds = async (work: () => Promise<unknown>) => {
  const startedAt = performance.now();
  await work().catch(() => {});
  return (performance.now() - startedAt) / 1000;
};

describe('a breaker', () => {
  it('passes on what the command came to', async () => {
    const { redis, get, breaker } = await setUp();
    await redis.set('k', 'v');
    expect(await get(1)).toBe('v');
    await expect(breaker.run('k', 1, () => redis.lpop('k'))).rejects.toThrow(failure('WRONGTYPE'));
    expect(await get(1)).toBe('v');
  });

  it('lets one request wait for a server that stands still, no longer than it may, and no other', async () => {
    const { server, get } = await setUp();
    server.process.kill('SIGSTOP');
    const first = await seconds(() => get(0.05));
    expect(first).toBeGreaterThan(0.045);
    expect(first).toBeLessThan(0.3);
    const others = await seconds(async () => {
      for (let i = 0; i < 100; i++) await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    });
    expect(others).toBeLessThan(0.05);
  });

  it('lets those that wait already give up with the first, but for the more patient', async () => {
    const { server, get } = await setUp();
    server.process.kill('SIGSTOP');
    const patient = get(20);
    const asked = [get(0.3), get(0.3)].map((it) => it.catch(({ code }) => code));
    expect(await Promise.all(asked)).toEqual(['ERR_CACHE_TIMEOUT', 'ERR_CACHE_OPEN']);
    server.process.kill('SIGCONT');
    expect(await patient).toBeNull();
  });

  it('sends nothing while it is open', async () => {
    const { breaker } = await setUpOpen();
    const command = vi.fn(() => Promise.resolve());
    await expect(breaker.run('k', 0.05, command)).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    expect(command).not.toHaveBeenCalled();
  });

  it('sends a probe when it opens, and one a second while somebody asks', async () => {
    const { get, time, probes } = await setUpOpen();
    expect(probes).toHaveBeenCalledTimes(1);
    for (const [now, sent] of [
      [0.99, 1],
      [1, 2],
      [1.5, 2],
      [2.5, 3],
    ] as const) {
      time.now = now;
      for (let i = 0; i < 3; i++) await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
      expect(probes).toHaveBeenCalledTimes(sent);
    }
  });

  it('closes when a probe is answered in time', async () => {
    const { server, get, time, changes, recovers } = await setUpOpen();
    server.process.kill('SIGCONT');
    await sleep(50);
    // the late answer to the first one closes nothing
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await recovers();
    expect(changes).toEqual([true, false]);
  });

  it('closes at once after a hiccup: the first probe was answered', async () => {
    const { link, get } = await setUp({ link: true });
    link?.silence(true);
    const asking = get(0.2);
    setTimeout(() => link?.silence(false), 250);
    await expect(asking).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await expect.poll(() => get(1).catch(({ code }) => code)).toBeNull();
  });

  it('closes when a probe is refused, since who refuses is well', async () => {
    const { server, redis, get, time, recovers } = await setUpOpen();
    server.process.kill('SIGCONT');
    await redis.call('ACL', 'SETUSER', 'default', '-exists');
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await recovers();
  });

  it('stays open for a server that answers, but never in time', async () => {
    const { link, get, time, probes } = await setUp({ link: true });
    link?.become({ latencySeconds: 0.1 });
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await sleep(400);
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await sleep(400);
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    expect(probes).toHaveBeenCalledTimes(2);
  });

  it('is not opened by errors, however many: they cost no time', async () => {
    const { redis, breaker, get } = await setUp();
    await redis.call('ACL', 'SETUSER', 'default', '-get');
    for (let i = 0; i < 20; i++) await expect(get(1)).rejects.toThrow(failure('NOPERM'));
    expect(await breaker.run('k', 1, () => redis.exists('k'))).toBe(0);
  });

  it('is not opened by an answer that waits in the socket while this process is busy', async () => {
    const { redis, get } = await setUp();
    await redis.set('k', 'v');
    const asking = get(0.05);
    const busyUntil = performance.now() + 150;
    while (performance.now() < busyUntil);
    expect(await asking).toBe('v');
  });

  it('tells of its changes once', async () => {
    const { server, get, changes, probes, recovers } = await setUp();
    expect(changes).toEqual([]);
    server.process.kill('SIGSTOP');
    await Promise.allSettled([get(), get(), get()]);
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    expect(changes).toEqual([true]);
    expect(probes).toHaveBeenCalledTimes(1);
    await sleep(100);
    server.process.kill('SIGCONT');
    await recovers();
    await Promise.allSettled([get(1), get(1)]);
    expect(changes).toEqual([true, false]);
  });

  it('sends nothing without a connection, and lets nobody wait for one', async () => {
    const redis = openConnection(await freePort(), { enableOfflineQueue: true, maxRetriesPerRequest: null });
    const command = vi.fn(() => redis.get('k'));
    await expect(breakerOf(redis).run('k', 1, command)).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    expect(command).not.toHaveBeenCalled();
  });

  it('has a connection made that waits for its first command', async () => {
    const server = await startRedis();
    const redis = openConnection(server.port, { lazyConnect: true });
    const get = () => breakerOf(redis).run('k', 1, () => redis.get('k'));
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await ready(redis);
    expect(await get()).toBeNull();
  });

  it('is closed by a new connection', async () => {
    const { server, redis, get, changes } = await setUpOpen();
    const again = ready(redis);
    await server.kill();
    await startRedis({ port: server.port });
    await again;
    expect(await get(1)).toBeNull();
    expect(changes).toEqual([true, false]);
  });

  it('is one for all that use a connection', async () => {
    const server = await startRedis();
    const redis = await server.connect();
    expect(breakerOf(redis)).toBe(breakerOf(redis));
    expect(breakerOf(await server.connect())).not.toBe(breakerOf(redis));
    const errors: string[] = [];
    const cache = redisCache(redis, { pepper: { id: 'p', secret: 'x'.repeat(32) } });
    const store = redisReplayStore(redis, { onError: ({ code }) => errors.push(code) });
    const listeners = redis.listenerCount('ready');
    for (let i = 0; i < 20; i++) redisReplayStore(redis);
    expect(redis.listenerCount('ready')).toBe(listeners);
    server.process.kill('SIGSTOP');
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await store.add('a', 1_800_000_060, 1_800_000_000);
    expect(errors).toEqual(['ERR_CACHE_OPEN']);
  });
});

describe('a breaker of a cluster', () => {
  it('opens for the server that stands still, and leaves the others alone', { timeout: 30_000 }, async () => {
    const { primaries } = await forTest(startCluster());
    const nodes = primaries.map(({ server: { port } }) => ({ host: '127.0.0.1', port }));
    const cluster = new Cluster(nodes, { enableOfflineQueue: false, slotsRefreshInterval: 200 });
    cluster.on('error', () => {});
    onTestFinished(() => cluster.disconnect());
    await new Promise((resolve) => cluster.once('ready', resolve));
    const breaker = createRedisBreaker(cluster);
    const changes: boolean[] = [];
    breaker.onChange((isOpen) => changes.push(isOpen));
    // the slots of these stand on the first, the second and the third
    const keys = ['bar', 'c', 'foo'];
    const get = (key: string, timeoutSeconds: number) =>
      breaker.run(key, timeoutSeconds, () => cluster.get(key));
    for (const key of keys) expect(await get(key, 1)).toBeNull();
    primaries[1]?.server.pause();
    const codes = () => Promise.all(keys.map((key) => get(key, 0.2).catch(({ code }) => code)));
    expect(await codes()).toEqual([null, 'ERR_CACHE_TIMEOUT', null]);
    expect(await codes()).toEqual([null, 'ERR_CACHE_OPEN', null]);
    expect(changes).toEqual([true]);
    // its replica takes over: another server answers for the key
    await expect.poll(() => codes(), { timeout: 20_000, interval: 200 }).toEqual([null, null, null]);
    await expect.poll(() => changes, { timeout: 10_000 }).toEqual([true, false]);
  });
});
