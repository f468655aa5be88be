import { inspect } from 'node:util';
import { cacheContract } from '@phantom-token/conformance';
import { type CacheEntry, memoryCache, tieredCache } from '@phantom-token/core';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, openConnection, startRedis } from '../test/redis-process.js';
import { CacheError } from './cache-error.js';
import { redisCache } from './redis-cache.js';

const now = Date.now() / 1000;
const secretJwt = 'header.c2VjcmV0LWp3dA.signature';
const entry: CacheEntry = {
  result: { active: true, jwt: secretJwt, claims: { sub: 's' } },
  expiresAt: now + 60,
};

async function setUp() {
  const server = await startRedis();
  const redis = await server.connect();
  return { server, redis, cache: redisCache(redis, { commandTimeoutSeconds: 1 }) };
}

const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

/** An empty server: one of our own, or the one that REDIS_URL names, under a prefix of its own. */
async function makeEmptyCache() {
  const url = process.env.REDIS_URL;
  if (url === undefined) return (await setUp()).cache;
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redisCache(redis, { keyPrefix: `pt-test-${crypto.randomUUID()}:`, commandTimeoutSeconds: 1 });
}

describe('the cache contract', () => {
  describe('of a shared tier', () => {
    for (const { title, run } of cacheContract({ shared: true }))
      it(title, async () => run(await makeEmptyCache()));
  });
  describe('of memory in front of it', () => {
    for (const { title, run } of cacheContract({ shared: false })) {
      it(title, async () => run(tieredCache(memoryCache(), await makeEmptyCache())));
    }
  });
});

describe('what stands in Redis', () => {
  it('has a versioned key, and a time to live that clears it away', async () => {
    const { redis, cache } = await setUp();
    await cache.set('digest', entry, now);
    expect(await redis.keys('*')).toEqual(['pt:1:digest']);
    const left = await redis.pttl('pt:1:digest');
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it('has the prefix of its owner, who sees no other’s', async () => {
    const { redis, cache } = await setUp();
    const other = redisCache(redis, { keyPrefix: 'other:' });
    await other.set('digest', entry, now);
    expect(await redis.keys('*')).toEqual(['other:1:digest']);
    expect(await cache.get('digest')).toBeUndefined();
  });

  it.each(['', 'garbage', '{"version":1', 'null', '7', '[]', '{}', '{"version":"1"}'])(
    'is cleared away when it is %j',
    async (value) => {
      const { redis, cache } = await setUp();
      await redis.set('pt:1:k', value);
      await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
      expect(await redis.exists('pt:1:k')).toBe(0);
      expect(await cache.get('k')).toBeUndefined();
    },
  );

  it.each<[string, object]>([
    ['deadline', { expiresAt: undefined }],
    ['deadline', { expiresAt: '9999999999' }],
    ['deadline', { expiresAt: null }],
    ['JWT', { jwt: undefined }],
    ['JWT', { jwt: 7 }],
    ['claims', { claims: undefined }],
    ['claims', { claims: null }],
    ['claims', { claims: [] }],
  ])('is no entry without its %s: %o', async (_name, wrong) => {
    const { redis, cache } = await setUp();
    await redis.set(
      'pt:1:k',
      JSON.stringify({ version: 1, expiresAt: now + 60, jwt: 'j', claims: {}, ...wrong }),
    );
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
  });

  it('is left alone, and no entry, when another release wrote it', async () => {
    const { redis, cache } = await setUp();
    await redis.set('pt:1:k', JSON.stringify({ version: 2, anything: 'else' }));
    expect(await cache.get('k')).toBeUndefined();
    expect(await redis.exists('pt:1:k')).toBe(1);
  });

  it('is not parsed when it is too large', async () => {
    const { redis, cache } = await setUp();
    await redis.set('pt:1:k', 'x'.repeat(10_000_000));
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
    expect(await redis.exists('pt:1:k')).toBe(0);
  });

  it('is cleared away when it is of another type', async () => {
    const { redis, cache } = await setUp();
    await redis.lpush('pt:1:k', 'a');
    await expect(cache.get('k')).rejects.toThrow(failure('WRONGTYPE'));
    expect(await redis.exists('pt:1:k')).toBe(0);
  });

  it('is nothing of an entry past its deadline', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', { ...entry, expiresAt: now }, now);
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('faults', () => {
  it('of a server that is not there take no longer than a command may, and come to nothing later', async () => {
    const redis = openConnection(await freePort());
    const cache = redisCache(redis);
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await expect(cache.set('k', entry, now)).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await expect(cache.delete('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
  });

  it('are bounded although the connection queues commands', async () => {
    const redis = openConnection(await freePort(), { enableOfflineQueue: true, maxRetriesPerRequest: null });
    const startedAt = performance.now();
    await expect(redisCache(redis, { commandTimeoutSeconds: 0.05 }).get('k')).rejects.toThrow(
      failure('ERR_CACHE_TIMEOUT'),
    );
    expect(performance.now() - startedAt).toBeGreaterThan(45);
    expect(performance.now() - startedAt).toBeLessThan(300);
  });

  it('of a server that stands still are bounded, and late answers go to nobody', async () => {
    const { server, redis, cache: patient } = await setUp();
    const cache = redisCache(redis);
    await patient.set('one', entry, now);
    server.process.kill('SIGSTOP');
    await expect(cache.get('one')).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    server.process.kill('SIGCONT');
    expect(await patient.get('two')).toBeUndefined();
    expect(await patient.get('one')).toEqual(entry);
  });

  it('end when the server is back', async () => {
    const { server, redis, cache } = await setUp();
    await cache.set('k', entry, now);
    await server.kill();
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    const ready = new Promise((resolve) => redis.once('ready', resolve));
    await startRedis({ port: server.port });
    await ready;
    expect(await cache.get('k')).toBeUndefined();
    await cache.set('k', entry, now);
    expect(await cache.get('k')).toEqual(entry);
  });

  it('of a read-only replica leave reading alone', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', entry, now);
    await redis.replicaof('127.0.0.1', await freePort());
    await expect(cache.set('l', entry, now)).rejects.toThrow(failure('READONLY'));
    expect(await cache.get('k')).toEqual(entry);
  });

  it('of a full server leave reading alone', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', entry, now);
    await redis.config('SET', 'maxmemory', '1');
    await expect(cache.set('l', entry, now)).rejects.toThrow(failure('OOM'));
    expect(await cache.get('k')).toEqual(entry);
  });

  it('of missing rights are named', async () => {
    const { redis, cache } = await setUp();
    await redis.call('ACL', 'SETUSER', 'default', '-get');
    await expect(cache.get('k')).rejects.toThrow(failure('NOPERM'));
  });

  it('quote nothing of what was stored', async () => {
    const { redis, cache } = await setUp();
    await redis.config('SET', 'maxmemory', '1');
    const error = await cache.set('k', entry, now)?.catch((it) => it);
    expect(error).toBeInstanceOf(CacheError);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(secretJwt);
  });

  it('that no driver names are taken for an unavailable server', async () => {
    const { redis } = await setUp();
    const odd = Object.assign(Object.create(redis), { get: () => Promise.reject(`odd ${secretJwt}`) });
    await expect(redisCache(odd).get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
  });
});

describe('the options', () => {
  it.each<[string, object]>([
    ['keyPrefix', { keyPrefix: 7 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: 0 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: Number.NaN }],
    ['maxValueLength', { maxValueLength: 0 }],
    ['ttl', { ttl: 5 }],
  ])('refuse a wrong %s', (name, options) => {
    const redis = new Redis({ lazyConnect: true });
    expect(() => redisCache(redis, options)).toThrow(TypeError);
    expect(() => redisCache(redis, options)).toThrow(name);
  });

  it('refuse what is no connection', () => {
    expect(() => redisCache(undefined as unknown as Redis)).toThrow(/ioredis/);
    expect(() => redisCache({} as Redis)).toThrow(/ioredis/);
  });
});
