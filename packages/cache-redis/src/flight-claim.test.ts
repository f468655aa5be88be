import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheEntry } from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { openConnection, startRedis } from '../test/redis-process.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { redisCache } from './redis-cache.js';

const now = Date.now() / 1000;
const entry: CacheEntry = {
  result: { active: true, jwt: 'h.p.s', claims: { sub: 's' } },
  expiresAt: now + 60,
};
const pepper = { id: 'p', secret: 'what all instances know and Redis does not' };
const patient = { pepper, commandTimeoutSeconds: 1 };

/** Two instances that share a Redis; `redis` looks at it. */
async function setUp() {
  const server = await startRedis();
  const [redis, ...connections] = await Promise.all([server.connect(), server.connect(), server.connect()]);
  const [one, other] = connections.map((connection) => redisCache(connection, patient));
  if (redis === undefined || one === undefined || other === undefined) throw new Error('nothing was set up');
  return { server, redis, one, other, connections };
}

const lockName = async (redis: Redis) => (await redis.keys('*:lock'))[0] ?? '';

async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const startedAt = performance.now();
  return [await work, (performance.now() - startedAt) / 1000];
}

describe('a claim', () => {
  it('goes to whoever comes first, for two seconds at most', async () => {
    const { redis, one } = await setUp();
    const claim = await one.claim('k', now, 0.5);
    expect(claim).toEqual({ release: expect.any(Function) });
    const left = await redis.pttl(await lockName(redis));
    expect(left).toBeGreaterThan(1_000);
    expect(left).toBeLessThanOrEqual(2_000);
  });

  it('of others ends with the entry as soon as it is stored', async () => {
    const { redis, one, other } = await setUp();
    const { release } = await one.claim('k', now, 5);
    const waiting = other.claim('k', now, 5);
    await one.set('k', entry, now);
    release?.();
    const [claim, seconds] = await timed(waiting);
    expect(claim).toEqual({ entry });
    expect(seconds).toBeLessThan(1);
    await expect.poll(() => redis.keys('*:lock')).toEqual([]);
  });

  it('comes with the entry where one is there already: whether it is good enough is the caller’s to say', async () => {
    const { redis, one, other } = await setUp();
    await one.set('k', entry, now);
    const claim = await other.claim('k', now, 0.5);
    expect(claim).toEqual({ entry, release: expect.any(Function) });
    claim.release?.();
    await expect.poll(() => redis.keys('*:lock')).toEqual([]);
  });

  it('to replace an entry waits for another that is at it, and ends with the new one', async () => {
    const { one, other } = await setUp();
    const newer = { ...entry, expiresAt: now + 90 };
    await one.set('k', entry, now);
    const { release } = await one.claim('k', now, 5);
    const waiting = timed(other.claim('k', now, 5));
    await sleep(50);
    await one.set('k', newer, now);
    const [claim, seconds] = await waiting;
    expect(claim).toEqual({ entry: newer });
    expect(seconds).toBeLessThan(1);
    release?.();
  });

  it.each([
    ['gives up', 5],
    ['is still at it when the budget is over', 0.1],
  ])('to replace an entry ends with that very one when the other %s', async (_what, budgetSeconds) => {
    const { one, other } = await setUp();
    await one.set('k', entry, now);
    const { release } = await one.claim('k', now, 5);
    const waiting = timed(other.claim('k', now, budgetSeconds));
    if (budgetSeconds === 5) {
      await sleep(30);
      release?.();
    }
    const [claim, seconds] = await waiting;
    expect(claim).toEqual({ entry });
    expect(seconds).toBeLessThan(1);
  });

  it('goes to one of many, and the others get its entry', async () => {
    const { server } = await setUp();
    const connections = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
    const claims = await Promise.all(
      connections.map(async (connection) => {
        const cache = redisCache(connection, patient);
        const claim = await cache.claim('k', now, 5);
        if (claim.release !== undefined) {
          await sleep(50);
          await cache.set('k', entry, now);
          claim.release();
        }
        return claim;
      }),
    );
    expect(claims.filter(({ release }) => release !== undefined)).toHaveLength(1);
    expect(claims.filter((claim) => claim.entry !== undefined)).toHaveLength(7);
  });

  it('of others ends at once when there is nothing to show for it, and nobody waits for a while', async () => {
    const { redis, one, other } = await setUp();
    const { release } = await one.claim('k', now, 5);
    const waiting = other.claim('k', now, 5);
    await sleep(30);
    release?.();
    const [claim, seconds] = await timed(waiting);
    expect(claim).toEqual({});
    expect(seconds).toBeLessThan(1);
    const [next, nextSeconds] = await timed(other.claim('k', now, 5));
    expect(next).toEqual({});
    expect(nextSeconds).toBeLessThan(1);
    expect(await redis.pttl(await lockName(redis))).toBeLessThanOrEqual(2_000);
    expect(await one.claim('l', now, 5)).toEqual({ release: expect.any(Function) });
  });

  it('may go to the same instance again when it was of use', async () => {
    const { redis, one } = await setUp();
    const { release } = await one.claim('k', now, 0.5);
    await one.set('k', entry, now);
    release?.();
    await one.delete('k');
    await expect.poll(() => redis.dbsize()).toBe(0);
    expect(await one.claim('k', now, 0.5)).toEqual({ release: expect.any(Function) });
    expect(await redis.get(await lockName(redis))).not.toBe('-');
  });

  it('that was of use once may be of none the next time', async () => {
    const { redis, one } = await setUp();
    const { release } = await one.claim('k', now, 0.5);
    await one.set('k', entry, now);
    release?.();
    await one.delete('k');
    await expect.poll(() => redis.dbsize()).toBe(0);
    (await one.claim('k', now, 0.5)).release?.();
    await expect.poll(async () => redis.get(await lockName(redis))).toBe('-');
  });

  it('ends when its budget is over, and not before', async () => {
    const { one, other } = await setUp();
    await one.claim('k', now, 0.5);
    const [claim, seconds] = await timed(other.claim('k', now, 0.2));
    expect(claim).toEqual({});
    expect(seconds).toBeGreaterThan(0.19);
    expect(seconds).toBeLessThan(0.5);
  });

  it.each([0, -1])('without a budget (%d) asks nobody', async (budgetSeconds) => {
    const { redis, one } = await setUp();
    expect(await one.claim('k', now, budgetSeconds)).toEqual({});
    expect(await redis.dbsize()).toBe(0);
  });

  it('takes an entry past its deadline for none', async () => {
    const { one, other } = await setUp();
    await one.set('k', entry, now);
    expect(await other.claim('k', now + 60, 0.5)).toEqual({ release: expect.any(Function) });
  });

  it('takes an entry whose deadline passed meanwhile for none', async () => {
    const { one, other } = await setUp();
    await one.claim('k', now, 0.5);
    const waiting = other.claim('k', now, 0.4);
    await sleep(100);
    await one.set('k', { ...entry, expiresAt: now + 0.05 }, now - 60);
    expect(await waiting).toEqual({});
  });

  it('takes poison for no entry', async () => {
    const { redis, one } = await setUp();
    await one.set('k', entry, now);
    const [name = ''] = await redis.keys('*');
    await redis.set(name, 'garbage');
    expect(await one.claim('k', now, 0.5)).toEqual({ release: expect.any(Function) });
  });

  it('is given up once, and never what has become another’s', async () => {
    const { redis, one } = await setUp();
    const { release } = await one.claim('k', now, 0.5);
    const name = await lockName(redis);
    await redis.set(name, 'another owner');
    release?.();
    await redis.ping();
    await sleep(20);
    expect(await redis.get(name)).toBe('another owner');
    await redis.del(name);
    const again = await one.claim('k', now, 0.5);
    await one.set('k', entry, now);
    again.release?.();
    await expect.poll(() => redis.exists(name)).toBe(0);
    await redis.set(name, 'another owner');
    again.release?.();
    await sleep(20);
    expect(await redis.get(name)).toBe('another owner');
  });

  it('ends at once when the lock is lost', async () => {
    const { redis, one, other } = await setUp();
    await one.claim('k', now, 5);
    const waiting = other.claim('k', now, 5);
    await sleep(30);
    await redis.flushall();
    const [claim, seconds] = await timed(waiting);
    expect(claim).toEqual({});
    expect(seconds).toBeLessThan(1);
  });

  it('tells nothing of the token', async () => {
    const { redis, one } = await setUp();
    await one.claim('digest', now, 0.5);
    const name = await lockName(redis);
    expect(name).toMatch(/^pt:1:\{[\w-]{43}\}:lock$/);
    expect(await redis.get(name)).toMatch(/^[\da-f-]{36}$/);
  });

  it('of another pepper or prefix is another', async () => {
    const { connections, one } = await setUp();
    await one.claim('k', now, 0.5);
    const [connection] = connections;
    const odd = [
      { ...patient, keyPrefix: 'other:' },
      { ...patient, pepper: { ...pepper, secret: 'another of these, of more than 32 bytes' } },
    ].map((options) => redisCache(connection as Redis, options));
    for (const cache of odd)
      expect(await cache.claim('k', now, 0.5)).toEqual({ release: expect.any(Function) });
  });
});

describe('while Redis is unwell, a claim', () => {
  it('costs no more than a command may, once', async () => {
    const { server, connections } = await setUp();
    const cache = redisCache(connections[0] as Redis, { pepper });
    server.process.kill('SIGSTOP');
    const [claim, seconds] = await timed(cache.claim('k', now, 5));
    expect(claim).toEqual({});
    expect(seconds).toBeLessThan(0.3);
    const [next, nextSeconds] = await timed(cache.claim('l', now, 5));
    expect(next).toEqual({});
    expect(nextSeconds).toBeLessThan(0.04);
  });

  it.each([
    ['nothing', undefined, {}],
    ['the entry that was there', entry, { entry }],
  ])('of others ends with it, and with %s', async (_what, stored, expected) => {
    const { server, one, other } = await setUp();
    if (stored !== undefined) await one.set('k', stored, now);
    await one.claim('k', now, 5);
    const waiting = other.claim('k', now, 5);
    await sleep(30);
    await server.kill();
    const [claim, seconds] = await timed(waiting);
    expect(claim).toEqual(expected);
    expect(seconds).toBeLessThan(1);
  });

  it.each(['set', 'get', 'getrange'])('without the right to %s is nobody’s', async (command) => {
    const { redis, one } = await setUp();
    await redis.call('ACL', 'SETUSER', 'default', `-${command}`);
    expect(await one.claim('k', now, 0.5)).toEqual({});
  });

  it('that came to hold too late is given up again', async () => {
    const { server, redis, other } = await setUp();
    const link = await forTest(openLink(server.port));
    const slow = openConnection(link.port);
    await new Promise((resolve) => slow.once('ready', resolve));
    link.become({ latencySeconds: 0.1 });
    for (const options of [
      { pepper, commandTimeoutSeconds: 1 },
      { pepper, commandTimeoutSeconds: 0.05 },
    ]) {
      const key = `k${options.commandTimeoutSeconds}`;
      expect(await redisCache(slow, options).claim(key, now, 0.05)).toEqual({});
      // so nobody waits for it
      await expect.poll(() => redis.keys('*:lock')).toHaveLength(1);
      await expect.poll(async () => redis.get(await lockName(redis))).toBe('-');
      const [claim, seconds] = await timed(other.claim(key, now, 5));
      expect(claim).toEqual({});
      expect(seconds).toBeLessThan(1);
      await redis.flushall();
    }
  });

  it.each([
    ['all that it needs', 1, true],
    ['what is left', 0.6, false],
  ])('is part of the one wait that a request has for Redis, and takes %s', async (_what, wait, isHeld) => {
    const { server } = await setUp();
    const link = await forTest(openLink(server.port));
    const slow = openConnection(link.port);
    await new Promise((resolve) => slow.once('ready', resolve));
    link.become({ latencySeconds: 0.2 });
    const cache = redisCache(slow, { pepper, commandTimeoutSeconds: wait });
    const startedAt = performance.now();
    expect(await cache.get('k')).toBeUndefined();
    const { release } = await cache.claim('k', now, 5);
    expect(release !== undefined).toBe(isHeld);
    await expect(cache.set('k', entry, now)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CACHE_TIMEOUT' }),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    expect(seconds).toBeGreaterThan(wait - 0.02);
    expect(seconds).toBeLessThan(wait + 0.3);
  });
});
