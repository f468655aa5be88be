import { inspect } from 'node:util';
import { cacheContract } from '@phantom-token/conformance';
import { type CacheEntry, memoryCache, tieredCache } from '@phantom-token/core';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ownSeconds, stopTime } from '../test/own-time.js';
import { patienceSeconds } from '../test/patience.js';
import { connected, freePort, openConnection, startRedis } from '../test/redis-process.js';
import { eventually } from '../test/topologies/eventually.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { CacheError } from './cache-error.js';
import { type Pepper, type Peppers, readPeppers } from './pepper.js';
import { type RedisCacheOptions, redisCache } from './redis-cache.js';
import { createSealing } from './sealed-entry.js';

const now = Date.now() / 1000;
const secretJwt = 'header.c2VjcmV0LWp3dA.signature';
const entry: CacheEntry = {
  result: { active: true, jwt: secretJwt, claims: { sub: 's' } },
  // longer than all the tests take together
  expiresAt: now + 3600,
};
const pepper: Pepper = { id: 'p', secret: 'what all instances know and Redis does not' };
const otherPepper: Pepper = { id: 'q', secret: 'another of these, of more than 32 bytes' };
const patient = { pepper, commandTimeoutSeconds: patienceSeconds };

async function setUp() {
  const server = await startRedis();
  const redis = await server.connect();
  return { server, redis, cache: redisCache(redis, patient) };
}

const sealing = createSealing();
const keysOf = (key: string, { id, secret } = pepper) => sealing.keysOf(key, readPeppers({ id, secret })[0]);
/** The name of an entry in Redis. */
const nameOf = async (key: string, its = pepper) => `pt:1:{${(await keysOf(key, its)).lookup}}`;

const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

/** An empty server: one of our own, or the one that REDIS_URL names, under a prefix of its own. */
async function makeEmptyCache() {
  const url = process.env.REDIS_URL;
  if (url === undefined) return (await setUp()).cache;
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  await new Promise((resolve) => redis.once('ready', resolve));
  return redisCache(redis, { ...patient, keyPrefix: `pt-test-${crypto.randomUUID()}:` });
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
    const name = await nameOf('digest');
    expect(await redis.keys('*')).toEqual([name]);
    const left = await redis.pttl(name);
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  it('has the prefix of its owner, who sees no other’s', async () => {
    const { redis, cache } = await setUp();
    const other = redisCache(redis, { ...patient, keyPrefix: 'other:' });
    await other.set('digest', entry, now);
    expect(await redis.keys('*')).toEqual([(await nameOf('digest')).replace('pt:', 'other:')]);
    expect(await cache.get('digest')).toBeUndefined();
  });

  it('shows neither the cache key nor anything of the entry, nor how long it is', async () => {
    const { redis, cache } = await setUp();
    const long = { ...entry, result: { active: true as const, jwt: 'j'.repeat(500), claims: {} } };
    await cache.set('digest', entry, now);
    await cache.set('another', long, now);
    const names = await redis.keys('*');
    const values = await Promise.all(names.map((name) => redis.getBuffer(name)));
    expect(names.join()).not.toContain('digest');
    expect(values[0]?.length).toBe(values[1]?.length);
    for (const part of ['digest', 'jwt', 'claims', 'sub', ...secretJwt.split('.')]) {
      expect(values.some((value) => value?.includes(part))).toBe(false);
    }
  });

  it('is nothing of an inactive answer, or of an entry past its deadline', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', { result: { active: false }, expiresAt: now + 60 }, now);
    await cache.set('k', { ...entry, expiresAt: now }, now);
    expect(await redis.dbsize()).toBe(0);
  });

  it('is no entry from its deadline on, though Redis has it still', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', entry, now);
    await redis.persist(await nameOf('k'));
    expect(await cache.get('k', entry.expiresAt - 0.001)).toEqual(entry);
    expect(await cache.get('k', entry.expiresAt)).toBeUndefined();
  });

  it('is no entry from its deadline on for those who do not say what time it is', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', entry);
    await redis.persist(await nameOf('k'));
    expect(await cache.get('k')).toEqual(entry);
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'], now: entry.expiresAt * 1000 - 1 });
    expect(await cache.get('k')).toEqual(entry);
    vi.setSystemTime(Math.ceil(entry.expiresAt * 1000));
    expect(await cache.get('k')).toBeUndefined();
  });

  it('says when it was stored, where that is known', async () => {
    const { cache } = await setUp();
    const dated = { ...entry, storedAt: now - 0.125 };
    await cache.set('k', dated, now);
    expect(await cache.get('k', now)).toEqual(dated);
    expect(await cache.claim('k', now, 1)).toMatchObject({ entry: dated });
    await cache.set('k', entry, now);
    expect(await cache.get('k', now)).toStrictEqual(entry);
  });

  it('is no entry when a clock that is wrong by more than a minute stored it', async () => {
    const { cache } = await setUp();
    await cache.set('k', { ...entry, storedAt: now + 61, expiresAt: now + 4000 }, now + 61);
    expect(await cache.get('k', now)).toBeUndefined();
    expect(await cache.get('k', now + 1)).toBeDefined();
  });

  it('is no entry at another’s place, nor after that one was restored from before its deadline', async () => {
    const { redis, cache } = await setUp();
    const [one, other] = [await nameOf('one'), await nameOf('other')];
    await cache.set('one', entry, now);
    await cache.set('other', { ...entry, expiresAt: now + 4000 }, now);
    const dumps = await Promise.all([redis.dumpBuffer(one), redis.dumpBuffer(other)]);
    await redis.restore(one, 0, dumps[1] as Buffer, 'REPLACE');
    await redis.restore(other, 0, dumps[0] as Buffer, 'REPLACE');
    for (const key of ['one', 'other'])
      await expect(cache.get(key)).rejects.toThrow(failure('ERR_CACHE_POISONED'));
    expect(await redis.dbsize()).toBe(0);
    await redis.restore(one, 0, dumps[0] as Buffer);
    expect(await cache.get('one', now)).toEqual(entry);
    expect(await cache.get('one', now + 3600)).toBeUndefined();
  });

  it.each(['garbage', '{"version":1', 'null', '7', '[]', '{}', '{"version":"1"}', '\u{1}'])(
    'is cleared away when it is %j',
    async (value) => {
      const { redis, cache } = await setUp();
      const name = await nameOf('k');
      await redis.set(name, value);
      await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
      expect(await redis.exists(name)).toBe(0);
      expect(await cache.get('k')).toBeUndefined();
    },
  );

  it('is no entry when it is empty', async () => {
    const { redis, cache } = await setUp();
    await redis.set(await nameOf('k'), '');
    expect(await cache.get('k')).toBeUndefined();
  });

  const afterJwt = (claims: string) => `\0\0\0\u{5}h.p.s${claims}`;
  it.each([
    '',
    '\0\0\0',
    '\0\0\0\0',
    '\0\0\0\u{6}{}',
    '\u{7f}\u{7f}\u{7f}\u{7f}{}',
    '{"jwt":"h.p.s","claims":{}}',
    ...['', '{', '{} {}', 'null', '[]', '7', '"claims"'].map(afterJwt),
  ])('is no entry when what was sealed is %j', async (text) => {
    const { redis, cache } = await setUp();
    const content = Buffer.from(text);
    const sealed = await sealing.seal({ content, expiresAt: now + 60, storedAt: now }, await keysOf('k'));
    await redis.set(await nameOf('k'), sealed);
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
  });

  it.each([
    ['another release', 0, 2],
    ['another pepper', 2, 'q'.charCodeAt(0)],
  ])('is left alone, and no entry, when %s wrote it', async (_who, at, byte) => {
    const { redis, cache } = await setUp();
    const content = Buffer.from(afterJwt('{}'));
    const sealed = await sealing.seal({ content, expiresAt: now + 60, storedAt: now }, await keysOf('k'));
    sealed[at] = byte;
    await redis.set(await nameOf('k'), sealed);
    expect(await cache.get('k')).toBeUndefined();
    expect(await redis.exists(await nameOf('k'))).toBe(1);
  });

  it('is not read further when it is too large', async () => {
    const { redis, cache } = await setUp();
    const name = await nameOf('k');
    await redis.set(name, Buffer.alloc(10_000_000, 1));
    const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
    const before = await sent();
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
    expect((await sent()) - before).toBeLessThan(200_000);
    expect(await redis.exists(name)).toBe(0);
  });

  it('is no larger than it may be, to the byte', async () => {
    const { redis, cache } = await setUp();
    await cache.set('k', entry, now);
    const size = await redis.strlen(await nameOf('k'));
    const exact = redisCache(redis, { ...patient, maxEntryBytes: size });
    const tight = redisCache(redis, { ...patient, maxEntryBytes: size - 1 });
    await exact.set('l', entry, now);
    expect(await exact.get('l')).toEqual(entry);
    await expect(tight.set('m', entry, now)).rejects.toThrow(failure('ERR_CACHE_TOO_LARGE'));
    expect(await redis.exists(await nameOf('m'))).toBe(0);
    await expect(tight.get('k')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
  });

  it('is cleared away when it is of another type', async () => {
    const { redis, cache } = await setUp();
    const name = await nameOf('k');
    await redis.lpush(name, 'a');
    await expect(cache.get('k')).rejects.toThrow(failure('WRONGTYPE'));
    expect(await redis.exists(name)).toBe(0);
  });
});

describe('while the pepper is replaced', () => {
  const withPepper = (redis: Redis, its: Peppers) => redisCache(redis, { ...patient, pepper: its });

  it('instances read each other’s entries, at every step', async () => {
    const { redis } = await setUp();
    const steps = [
      withPepper(redis, pepper),
      withPepper(redis, [pepper, otherPepper]),
      withPepper(redis, [otherPepper, pepper]),
      withPepper(redis, otherPepper),
    ] as const;
    for (const [index, cache] of steps.entries()) {
      const key = `k${index}`;
      await cache.set(key, entry, now);
      for (const neighbour of [steps[index - 1], steps[index + 1]]) {
        const readsBoth = neighbour === steps[1] || neighbour === steps[2];
        if (readsBoth) expect(await neighbour.get(key)).toEqual(entry);
      }
    }
    expect(await steps[3].get('k0')).toBeUndefined();
    expect(await redis.keys('*')).toHaveLength(4);
  });

  it('a token is forgotten under both', async () => {
    const { redis } = await setUp();
    await withPepper(redis, pepper).set('k', entry, now);
    await withPepper(redis, otherPepper).set('k', entry, now);
    await withPepper(redis, [otherPepper, pepper]).delete('k');
    expect(await redis.dbsize()).toBe(0);
  });

  it('the entry under the first comes first', async () => {
    const { redis } = await setUp();
    const newer = { ...entry, expiresAt: now + 4000 };
    await withPepper(redis, pepper).set('k', entry, now);
    await withPepper(redis, otherPepper).set('k', newer, now);
    expect(await withPepper(redis, [otherPepper, pepper]).get('k')).toEqual(newer);
    expect(await withPepper(redis, [pepper, otherPepper]).get('k')).toEqual(entry);
  });

  it('poison under one hides nothing under the other, and is told of where there is nothing else', async () => {
    const { redis } = await setUp();
    const both = withPepper(redis, [otherPepper, pepper]);
    await withPepper(redis, pepper).set('k', entry, now);
    await redis.set(await nameOf('k', otherPepper), 'garbage');
    expect(await both.get('k')).toEqual(entry);
    await redis.set(await nameOf('l'), 'garbage');
    await expect(both.get('l')).rejects.toThrow(failure('ERR_CACHE_POISONED'));
  });
});

describe('faults', () => {
  it('of a server that is not there take no longer than a command may, and come to nothing later', async () => {
    const redis = openConnection(await freePort());
    const cache = redisCache(redis, { pepper });
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await expect(cache.set('k', entry, now)).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    await expect(cache.delete('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
  });

  it('keep nobody waiting although the connection queues commands', async () => {
    const redis = openConnection(await freePort(), { enableOfflineQueue: true, maxRetriesPerRequest: null });
    const cache = redisCache(redis, { pepper });
    // what it waits for without end is not what this test waits for
    stopTime();
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
  });

  it('of a server that stands still are bounded, and late answers go to nobody', async () => {
    const { server, redis, cache: patientCache } = await setUp();
    const cache = redisCache(redis, { pepper });
    await patientCache.set('one', entry, now);
    server.pause();
    const startedAt = performance.now();
    const getting = cache.get('one');
    const seconds = await ownSeconds(() => getting);
    await expect(getting).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    expect(performance.now() - startedAt).toBeGreaterThan(35);
    expect(seconds).toBeLessThan(0.05);
    await expect(cache.set('one', entry, now)).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    server.resume();
    await expect.poll(() => patientCache.get('two').catch(({ code }) => code)).toBeUndefined();
    expect(await patientCache.get('one')).toEqual(entry);
  });

  it('cost a request one wait in all: what it waited before storing, it does not wait again', async () => {
    const { server, cache: direct } = await setUp();
    const link = await forTest(openLink(server.port));
    const redis = await connected(openConnection(link.port));
    const cache = redisCache(redis, { pepper, commandTimeoutSeconds: 0.6 });
    const { pass } = stopTime();
    /** What comes of what Redis answers after so many seconds. */
    const after = async <T>(seconds: number, work: Promise<T>): Promise<T> => {
      await pass(seconds);
      link.silence(false);
      return work.finally(() => link.silence(true));
    };
    link.silence(true);
    // nothing was waited before: it takes the time it needs
    await after(0.59, cache.set('one', entry, now));
    expect(await after(0.4, cache.get('two'))).toBeUndefined();
    const stored = vi.fn();
    const storing = cache.set('two', entry, now).finally(stored);
    const failing = expect(storing).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await pass(0.19);
    expect(stored).not.toHaveBeenCalled();
    await pass(0.01);
    await failing;
    // it was on its way all the same, and Redis is not taken to be unwell for it
    link.silence(false);
    await eventually('it has arrived', async () => (await direct.get('two')) !== undefined);
    expect(await cache.get('one')).toEqual(entry);
    // the next that is stored without asking has all its time again
    link.silence(true);
    await after(0.59, cache.set('two', entry, now));
  });

  it('end when the server is back', async () => {
    const { server, redis, cache } = await setUp();
    await cache.set('k', entry, now);
    await server.kill();
    await expect(cache.get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
    const again = connected(redis);
    await server.restart();
    await again;
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
    await redis.call('ACL', 'SETUSER', 'default', '-getrange');
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
    const odd = Object.assign(Object.create(redis), {
      getrangeBuffer: () => Promise.reject(`odd ${secretJwt}`),
    });
    await expect(redisCache(odd, { pepper }).get('k')).rejects.toThrow(failure('ERR_CACHE_UNAVAILABLE'));
  });
});

describe('the options', () => {
  const redis = new Redis({ lazyConnect: true });

  it.each<[string, object]>([
    ['keyPrefix', { keyPrefix: 7 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: 0 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: 2_147_484 }],
    ['commandTimeoutSeconds', { commandTimeoutSeconds: Number.NaN }],
    ['maxEntryBytes', { maxEntryBytes: 0 }],
    ['pepper', { pepper: { id: 'p' } }],
    ['ttl', { ttl: 5 }],
  ])('refuse a wrong %s', (name, options) => {
    const make = () => redisCache(redis, { pepper, ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });

  it('may leave the pepper out, and are no object of another kind', () => {
    expect(() => redisCache(redis)).not.toThrow();
    expect(() => redisCache(redis, null as unknown as RedisCacheOptions)).toThrow(TypeError);
  });

  it('refuse what is no connection', () => {
    expect(() => redisCache(undefined as unknown as Redis, { pepper })).toThrow(/ioredis/);
    expect(() => redisCache({} as Redis, { pepper })).toThrow(/ioredis/);
  });

  it('show in nobody’s inspection', () => {
    expect(inspect(redisCache(redis, { pepper }), { showHidden: true, depth: 9 })).not.toContain(
      pepper.secret,
    );
  });
});
