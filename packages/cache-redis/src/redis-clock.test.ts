import { memoryCache, tieredCache } from '@phantom-token/core';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { patienceSeconds } from '../test/patience.js';
import { startRedis } from '../test/redis-process.js';
import { redisCache } from './redis-cache.js';
import { createRedisClock } from './redis-clock.js';

const patient = { commandTimeoutSeconds: patienceSeconds };
const windowSeconds = 300;
const key = 'digest';

afterEach(() => {
  vi.useRealTimers();
});

/** Our clock is so many seconds ahead of Redis'. */
const shiftClock = (seconds: number) => {
  vi.useRealTimers();
  // where they agree, ours goes on
  if (seconds !== 0) vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
};

const now = () => Date.now() / 1000;

const makeEntry = () => ({
  result: { active: true as const, jwt: 'a.b.c', claims: {} },
  expiresAt: now() + windowSeconds,
  storedAt: now(),
});

async function setUp() {
  const server = await startRedis();
  const open = async (seconds: number) => {
    shiftClock(seconds);
    const redis = await server.connect();
    const asked = vi.spyOn(redis, 'time');
    const cache = redisCache(redis, patient);
    await expect.poll(() => asked.mock.settledResults[0]?.type).toBe('fulfilled');
    return { redis, asked, cache };
  };
  return { server, open };
}

describe('an entry of an instance with another clock', () => {
  it.each([
    [0, -300],
    [300, 0],
    [300, -300],
    [-300, 0],
  ])(
    'that is %d s ahead lasts no longer than its window where the clock is %d s ahead',
    async (writer, reader) => {
      const { open } = await setUp();
      const one = await open(writer);
      await one.cache.set(key, makeEntry(), now());
      const other = await open(reader);
      const found = await other.cache.get(key, now());
      if (writer < 0) expect(found).toBeUndefined();
      else expect(found?.expiresAt).toBeLessThan(now() + windowSeconds + 2);
      if (writer >= 0) expect(found?.expiresAt).toBeGreaterThan(now() + windowSeconds - 100);
    },
  );

  it('is kept by memory no longer than that either', async () => {
    const { open } = await setUp();
    const one = await open(0);
    await one.cache.set(key, makeEntry(), now());
    const other = await open(-300);
    const tiers = tieredCache(memoryCache(), other.cache);
    await tiers.get(key, now());
    expect(tiers.memory?.peek(key)?.expiresAt).toBeLessThan(now() + windowSeconds + 2);
  });

  it('is as it was where the clocks agree', async () => {
    const { open } = await setUp();
    const { cache } = await open(0);
    const entry = makeEntry();
    await cache.set(key, entry, now());
    expect(await cache.get(key, now())).toEqual(entry);
  });
});

describe('the clock of Redis', () => {
  it('is read once for many requests, and nobody waits for it', async () => {
    const { open } = await setUp();
    const { cache, asked } = await open(0);
    for (let times = 0; times < 100; times++) await cache.get(key, now());
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('is read once for all caches of a connection, which gathers no listeners', async () => {
    const { server } = await setUp();
    const redis = await server.connect();
    const asked = vi.spyOn(redis, 'time');
    redisCache(redis, patient);
    const listeners = redis.listenerCount('ready');
    for (let caches = 0; caches < 20; caches++) redisCache(redis, patient);
    expect(redis.listenerCount('ready')).toBe(listeners);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('is asked for again a second after that failed', async () => {
    const { server } = await setUp();
    const redis = await server.connect();
    const asked = vi.spyOn(redis, 'time').mockRejectedValue(new Error('LOADING'));
    let milliseconds = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => milliseconds);
    onTestFinished(() => void vi.restoreAllMocks());
    const clock = createRedisClock(redis);
    for (const [at, times] of [
      [0, 1],
      [999, 1],
      [1_000, 2],
      [1_999, 2],
      [2_000, 3],
    ] as const) {
      milliseconds = at;
      clock.aheadSeconds();
      await new Promise(setImmediate);
      expect(asked).toHaveBeenCalledTimes(times);
    }
  });

  it('is ours where it may not be read, or says what is no time', async () => {
    const { server } = await setUp();
    const redis = await server.connect();
    vi.spyOn(redis, 'time')
      .mockRejectedValueOnce(new Error('NOPERM'))
      .mockResolvedValue(['soon'] as never);
    for (let times = 0; times < 2; times++) {
      const clock = createRedisClock(redis);
      expect(clock.aheadSeconds()).toBe(0);
      await new Promise(setImmediate);
      expect(clock.aheadSeconds()).toBe(0);
    }
  });

  it.each([
    ['the question', 5, 0],
    ['the answer', 0, 5],
  ])('is ours where it agrees, however long %s was on its way', async (_which, before, after) => {
    const { server } = await setUp();
    const redis = await server.connect();
    vi.useFakeTimers({ toFake: ['Date'] });
    const wait = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
    vi.spyOn(redis, 'time').mockImplementation(async () => {
      wait(before);
      const answer = [Math.floor(now()), (Date.now() % 1000) * 1000] as const;
      wait(after);
      return answer as never;
    });
    const clock = createRedisClock(redis);
    await new Promise(setImmediate);
    expect(clock.aheadSeconds()).toBe(0);
  });
});
