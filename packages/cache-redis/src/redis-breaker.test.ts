import { execFileSync } from 'node:child_process';
import { Cluster } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { stopTime } from '../test/own-time.js';
import { patienceSeconds } from '../test/patience.js';
import { connected, freePort, openConnection, startRedis } from '../test/redis-process.js';
import { type ClusterNode, startCluster } from '../test/topologies/cluster.js';
import { eventually } from '../test/topologies/eventually.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { breakerOf, createRedisBreaker } from './redis-breaker.js';
import { redisCache } from './redis-cache.js';
import { redisReplayStore } from './redis-replay-store.js';

const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

/** A breaker whose clock stands still until it is moved, and all patience with it; `probes` are what it asks by itself. */
async function setUp(options: { link?: boolean } = {}) {
  const server = await startRedis();
  const link = options.link ? await forTest(openLink(server.port)) : undefined;
  const redis = await connected(openConnection(link?.port ?? server.port));
  const time = { now: 0 };
  const breaker = createRedisBreaker(redis, () => time.now);
  const probes = vi.spyOn(redis, 'exists');
  const get = (timeoutSeconds = 0.05) => breaker.run('k', timeoutSeconds, () => redis.get('k'));
  const changes: boolean[] = [];
  breaker.onChange((isOpen) => changes.push(isOpen));
  const { pass } = stopTime();
  /** What a command came to that waits no longer than this. */
  const given = async (seconds: number) => {
    const asked = get(seconds).catch(({ code }) => code);
    await pass(seconds);
    return asked;
  };
  const recovers = () => eventually('it is asked again', async () => (await get()) === null);
  /** When its server has answered so many probes, in time or not. */
  const answered = (count: number) =>
    eventually('it is answered', () => probes.mock.settledResults[count - 1]?.type === 'fulfilled');
  return { server, link, redis, breaker, get, given, time, pass, probes, answered, changes, recovers };
}

/** Open, its server stopped, and the first probe gone unanswered. */
async function setUpOpen() {
  const stage = await setUp();
  stage.server.pause();
  expect(await stage.given(0.05)).toBe('ERR_CACHE_TIMEOUT');
  await stage.pass(0.05);
  return stage;
}

describe('a breaker', () => {
  it('passes on what the command came to', async () => {
    const { redis, get, breaker } = await setUp();
    await redis.set('k', 'v');
    expect(await get()).toBe('v');
    await expect(breaker.run('k', 1, () => redis.lpop('k'))).rejects.toThrow(failure('WRONGTYPE'));
    expect(await get()).toBe('v');
  });

  it('passes on what is made of the answer, or what that throws', async () => {
    const { redis, breaker, get } = await setUp();
    const make = (use: (answer: string) => unknown) => breaker.run('k', 1, () => redis.echo('answer'), use);
    expect(await make((answer) => answer.length)).toBe(6);
    expect(await make(async (answer) => answer.length)).toBe(6);
    const wrong = new Error('made of it');
    const fail = () => {
      throw wrong;
    };
    await expect(make(fail)).rejects.toBe(wrong);
    await expect(make(async () => fail())).rejects.toBe(wrong);
    expect(await get()).toBeNull();
  });

  it('lets one request wait for a server that stands still, no longer than it may, and no other', async () => {
    const { server, get, pass } = await setUp();
    server.pause();
    const first = vi.fn();
    const asked = get(0.05).catch(first);
    await pass(0.049);
    expect(first).not.toHaveBeenCalled();
    await pass(0.001);
    await asked;
    expect(first).toHaveBeenCalledWith(failure('ERR_CACHE_TIMEOUT'));
    // no time passes
    for (let i = 0; i < 100; i++) await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
  });

  it('lets those that wait already give up with the first, but for the more patient', async () => {
    const { server, get, pass } = await setUp();
    server.pause();
    const patient = get(0.4);
    const asked = [get(0.3), get(0.3)].map((it) => it.catch(({ code }) => code));
    await pass(0.3);
    expect(await Promise.all(asked)).toEqual(['ERR_CACHE_TIMEOUT', 'ERR_CACHE_OPEN']);
    server.resume();
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
    const { server, get, time, answered, changes, recovers } = await setUpOpen();
    server.resume();
    await answered(1);
    // the late answer to the first one closes nothing
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await recovers();
    expect(changes).toEqual([true, false]);
  });

  it('closes at once after a hiccup: the first probe was answered', async () => {
    const { link, given, probes, recovers } = await setUp({ link: true });
    link?.silence(true);
    expect(await given(0.2)).toBe('ERR_CACHE_TIMEOUT');
    link?.silence(false);
    await recovers();
    expect(probes).toHaveBeenCalledTimes(1);
  });

  it('closes when a probe is refused, since who refuses is well', async () => {
    const { server, redis, get, time, recovers } = await setUpOpen();
    server.resume();
    await redis.call('ACL', 'SETUSER', 'default', '-exists');
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await recovers();
  });

  it('stays open for a server that answers, but never in time', async () => {
    const { link, given, get, pass, time, probes, answered } = await setUp({ link: true });
    const answerLate = async (count: number) => {
      await pass(0.05);
      link?.silence(false);
      await answered(count);
      link?.silence(true);
    };
    link?.silence(true);
    expect(await given(0.05)).toBe('ERR_CACHE_TIMEOUT');
    await answerLate(1);
    time.now = 1;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await answerLate(2);
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    expect(probes).toHaveBeenCalledTimes(2);
  });

  it('is not opened by errors, however many: they cost no time', async () => {
    const { redis, breaker, get } = await setUp();
    await redis.call('ACL', 'SETUSER', 'default', '-get');
    for (let i = 0; i < 20; i++) await expect(get()).rejects.toThrow(failure('NOPERM'));
    expect(await breaker.run('k', 1, () => redis.exists('k'))).toBe(0);
  });

  it('is not opened by an answer that waits in the socket while this process is busy', async () => {
    const server = await startRedis();
    const redis = await server.connect();
    const asking = createRedisBreaker(redis).run('k', 0.05, () => redis.get('k'));
    const busyUntil = performance.now() + 60;
    answerAnother(server.port);
    while (performance.now() < busyUntil);
    expect(await asking).toBeNull();
  });

  it('tells of its changes once', async () => {
    const { server, get, pass, changes, probes, time, recovers } = await setUp();
    expect(changes).toEqual([]);
    server.pause();
    const asked = Promise.allSettled([get(), get(), get()]);
    await pass(0.05);
    await asked;
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    expect(changes).toEqual([true]);
    expect(probes).toHaveBeenCalledTimes(1);
    await pass(0.05);
    server.resume();
    time.now = 1;
    await recovers();
    await Promise.allSettled([get(), get()]);
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
    const get = () => breakerOf(redis).run('k', patienceSeconds, () => redis.get('k'));
    await expect(get()).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await connected(redis);
    expect(await get()).toBeNull();
  });

  it('is closed by a new connection', async () => {
    const { server, redis, get, changes } = await setUpOpen();
    // the driver pauses before it connects anew
    vi.useRealTimers();
    const again = connected(redis);
    await server.kill();
    await server.restart();
    await again;
    expect(await get(patienceSeconds)).toBeNull();
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
    server.pause();
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await store.add('a', 1_800_000_060, 1_800_000_000);
    expect(errors).toEqual(['ERR_CACHE_OPEN']);
  });
});

/** Returns when the server has answered somebody who asked later than we, and holds this process up until then. */
function answerAnother(port: number): void {
  const ask = `
    const socket = require('node:net').connect(${port}, '127.0.0.1', () => socket.write('PING\\r\\n'));
    socket.once('data', () => {
      socket.write('PING\\r\\n');
      socket.once('data', () => socket.destroy());
    });`;
  execFileSync(process.execPath, ['-e', ask]);
}

describe('a breaker of a cluster', () => {
  it('opens for the server that stands still, and leaves the others alone', {
    timeout: 120_000,
  }, async () => {
    const { primaries, letReplace } = await forTest(startCluster());
    // that a part of them is gone is to be no matter of the others
    for (const { admin } of primaries) await admin.redis.config('SET', 'cluster-require-full-coverage', 'no');
    const [, second] = primaries as [ClusterNode, ClusterNode];
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
      breaker.run(key, timeoutSeconds, () => cluster.get(key)).catch(({ code }) => code);
    const codes = (timeoutSeconds: number) =>
      Promise.all(keys.map((key) => get(key, key === 'c' ? timeoutSeconds : patienceSeconds)));
    await expect.poll(() => codes(patienceSeconds)).toEqual([null, null, null]);
    second.server.pause();
    expect(await codes(0.2)).toEqual([null, 'ERR_CACHE_TIMEOUT', null]);
    expect(await codes(0.2)).toEqual([null, 'ERR_CACHE_OPEN', null]);
    expect(changes).toEqual([true]);
    // another server answers for the key
    await letReplace(second);
    await expect
      .poll(() => codes(patienceSeconds), { timeout: 60_000, interval: 200 })
      .toEqual([null, null, null]);
    await expect.poll(() => changes).toEqual([true, false]);
  });
});
