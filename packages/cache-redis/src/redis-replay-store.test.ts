import { inspect } from 'node:util';
import { dpopVerifier } from '@phantom-token/core';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { stopTime } from '../test/own-time.js';
import { patienceSeconds } from '../test/patience.js';
import { connected, freePort, openConnection, startRedis } from '../test/redis-process.js';
import { eventually } from '../test/topologies/eventually.js';
import { CacheError } from './cache-error.js';
import { type RedisReplayStoreOptions, redisReplayStore } from './redis-replay-store.js';

const now = 1_800_000_000;
const patient = { commandTimeoutSeconds: patienceSeconds };

/** One instance of a service: a connection and memory of its own. */
async function setUp(options: RedisReplayStoreOptions = patient) {
  const server = await startRedis();
  const redis = await server.connect();
  return { server, redis, store: redisReplayStore(redis, options) };
}

const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

describe('instances that share a Redis', () => {
  it('take a key once together', async () => {
    const { server, store } = await setUp();
    const other = redisReplayStore(await server.connect(), patient);
    expect(await store.add('a', now + 60, now)).toBe(true);
    expect(await other.add('a', now + 60, now)).toBe(false);
    expect(await store.add('a', now + 60, now)).toBe(false);
    expect(await other.add('b', now + 60, now)).toBe(true);
  });

  it('take a key once, although many are asked at the same time', async () => {
    const { server } = await setUp();
    const stores = await Promise.all(
      Array.from({ length: 8 }, async () => redisReplayStore(await server.connect(), patient)),
    );
    const verdicts = await Promise.all(stores.map((store) => store.add('a', now + 60, now)));
    expect(verdicts.filter(Boolean)).toHaveLength(1);
  });

  it('keep a key a little longer than it lives, as their clocks differ, and then let it go', async () => {
    const { redis, store } = await setUp();
    await store.add('a', now + 60, now);
    const left = await redis.pttl('pt:dpop:1:a');
    expect(left).toBeGreaterThan(60_000);
    expect(left).toBeLessThanOrEqual(70_000);
    expect(await store.add('b', now - 3600, now)).toBe(true);
    expect(await redis.pttl('pt:dpop:1:b')).toBeLessThanOrEqual(1);
  });

  it('do not meet those with another prefix', async () => {
    const { redis, store } = await setUp();
    const other = redisReplayStore(redis, { ...patient, keyPrefix: 'other:' });
    await store.add('a', now + 60, now);
    expect(await other.add('a', now + 60, now)).toBe(true);
    expect((await redis.keys('*')).sort()).toEqual(['other:dpop:1:a', 'pt:dpop:1:a']);
  });

  it('ask Redis nothing about what they have seen themselves', async () => {
    const { server, store } = await setUp();
    await store.add('a', now + 60, now);
    await server.kill();
    expect(await store.add('a', now + 60, now)).toBe(false);
  });
});

describe('while Redis is away', () => {
  it('the memory of the process decides, and somebody is told', async () => {
    const errors: CacheError[] = [];
    const store = redisReplayStore(openConnection(await freePort()), { onError: (it) => errors.push(it) });
    expect(await store.add('a', now + 60, now)).toBe(true);
    expect(await store.add('a', now + 60, now)).toBe(false);
    expect(errors).toEqual([failure('ERR_CACHE_UNAVAILABLE')]);
    expect(errors[0]).toBeInstanceOf(CacheError);
  });

  it('a hook that fails changes nothing, nor does a missing one', async () => {
    const redis = openConnection(await freePort());
    const onError = () => {
      throw new Error('the hook is broken');
    };
    expect(await redisReplayStore(redis, { onError }).add('a', now + 60, now)).toBe(true);
    expect(await redisReplayStore(redis).add('a', now + 60, now)).toBe(true);
  });

  it('nobody is told that a key is new, where that was asked for', async () => {
    const errors: CacheError[] = [];
    const store = redisReplayStore(openConnection(await freePort()), {
      whenUnavailable: 'refuse',
      onError: (it) => errors.push(it),
    });
    await expect(store.add('a', now + 60, now)).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    expect(errors).toHaveLength(1);
  });

  it('a wait is bounded, and its late answer goes to nobody', async () => {
    const errors: CacheError[] = [];
    const { server, store } = await setUp({ commandTimeoutSeconds: 0.05, onError: (it) => errors.push(it) });
    const other = redisReplayStore(await server.connect(), patient);
    const { pass } = stopTime();
    server.pause();
    const adding = store.add('a', now + 60, now);
    await pass(0.05);
    expect(await adding).toBe(true);
    expect(errors).toEqual([failure('ERR_CACHE_TIMEOUT')]);
    expect(await store.add('b', now + 60, now)).toBe(true);
    expect(errors).toEqual([failure('ERR_CACHE_TIMEOUT'), failure('ERR_CACHE_OPEN')]);
    server.resume();
    expect(await other.add('c', now + 60, now)).toBe(true);
    // known to all from the next probe on
    let attempts = 0;
    const inUse = async () => {
      const key = `probe-${attempts++}`;
      await other.add(key, now + 60, now);
      return !(await store.add(key, now + 60, now));
    };
    await eventually('Redis is in use', inUse);
    expect(await store.add('c', now + 60, now)).toBe(false);
  });

  it('what is seen is not lost: Redis is asked again as soon as it is back', async () => {
    const { server, redis, store } = await setUp();
    await server.kill();
    expect(await store.add('a', now + 60, now)).toBe(true);
    const again = connected(redis);
    await server.restart();
    await again;
    expect(await store.add('a', now + 60, now)).toBe(false);
    const other = redisReplayStore(await server.connect(), patient);
    expect(await other.add('b', now + 60, now)).toBe(true);
    expect(await store.add('b', now + 60, now)).toBe(false);
  });

  it.each([
    ['full', 'OOM', async (redis: Redis) => redis.config('SET', 'maxmemory', '1')],
    ['a replica', 'READONLY', async (redis: Redis) => redis.replicaof('127.0.0.1', await freePort())],
    ['not ours to write', 'NOPERM', async (redis: Redis) => redis.call('ACL', 'SETUSER', 'default', '-set')],
  ])('as when it is %s: %s', async (_what, code, hamper) => {
    const errors: CacheError[] = [];
    const { redis, store } = await setUp({ ...patient, onError: (it) => errors.push(it) });
    await hamper(redis);
    expect(await store.add('a', now + 60, now)).toBe(true);
    expect(await store.add('a', now + 60, now)).toBe(false);
    expect(errors).toEqual([failure(code)]);
    expect(inspect(errors, { showHidden: true, depth: 9 })).not.toContain('dpop:1:a');
  });
});

describe('a verifier with this store', () => {
  /** RFC 9449, figures 9, 12 and 13. */
  const request = {
    method: 'GET',
    url: '/protectedresource',
    dpop: 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
    token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
  };
  const issuedAt = 1_562_262_618;
  const makeVerifier = (redis: Redis, options?: RedisReplayStoreOptions) =>
    dpopVerifier({
      origin: 'https://resource.example.org',
      replayStore: redisReplayStore(redis, { ...patient, ...options }),
    });

  it('lets a proof pass on one of the instances, once', async () => {
    const { server, redis } = await setUp();
    await makeVerifier(redis).verify(request, issuedAt);
    await expect(makeVerifier(await server.connect()).verify(request, issuedAt)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_DPOP_REPLAYED' }),
    );
  });

  it('refuses with 503 while Redis is away, where that was asked for', async () => {
    const redis = openConnection(await freePort());
    await expect(
      makeVerifier(redis, { whenUnavailable: 'refuse' }).verify(request, issuedAt),
    ).rejects.toThrow(
      expect.objectContaining({ name: 'IntrospectionError', code: 'ERR_REPLAY_STORE', status: 503 }),
    );
    expect(await makeVerifier(redis).verify(request, issuedAt)).toEqual({ nonce: undefined });
  });

  it('puts nothing of a request into Redis but a digest', async () => {
    const { redis } = await setUp();
    await makeVerifier(redis).verify(request, issuedAt);
    const [key = '', ...others] = await redis.keys('*');
    expect(others).toEqual([]);
    expect(key).toMatch(/^pt:dpop:1:[\w-]{43}$/);
    expect(key).not.toContain(request.jkt);
    expect(await redis.get(key)).toBe('1');
  });
});

describe('the options', () => {
  it.each<[string, object]>([
    ['keyPrefix', { keyPrefix: 7 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: 0 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: Number.NaN }],
    ['whenUnavailable', { whenUnavailable: 'accept' }],
    ['maxEntries', { maxEntries: 0 }],
    ['onError', { onError: 'log' }],
    ['ttl', { ttl: 5 }],
  ])('refuse a wrong %s', (name, options) => {
    const redis = new Redis({ lazyConnect: true });
    expect(() => redisReplayStore(redis, options)).toThrow(TypeError);
    expect(() => redisReplayStore(redis, options)).toThrow(name);
  });

  it('bound the memory of the process', async () => {
    const { store } = await setUp({ ...patient, maxEntries: 1 });
    await store.add('a', now + 60, now);
    await expect(store.add('b', now + 60, now)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_REPLAY_STORE', status: 503 }),
    );
  });

  it('refuse what is no connection', () => {
    expect(() => redisReplayStore(undefined as unknown as Redis)).toThrow(/ioredis/);
    expect(() => redisReplayStore({} as Redis)).toThrow(/ioredis/);
  });
});
