import type { CacheEntry } from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ownSeconds, stopTime } from '../test/own-time.js';
import { patienceSeconds } from '../test/patience.js';
import { connected, openConnection, startRedis } from '../test/redis-process.js';
import { eventually } from '../test/topologies/eventually.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { redisCache } from './redis-cache.js';

/** A budget that no test lives to see the end of. Seconds. */
const hour = 3600;

const now = Date.now() / 1000;
const entry: CacheEntry = {
  result: { active: true, jwt: 'h.p.s', claims: { sub: 's' } },
  expiresAt: now + 2 * hour,
};
const pepper = { id: 'p', secret: 'what all instances know and Redis does not' };
const patient = { pepper, commandTimeoutSeconds: patienceSeconds };

/** Has what is locked over this connection stay so: a machine may stand still for as long as a lock holds. */
function lockForGood(redis: Redis): Redis {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    command.args = command.args.map((argument) => (argument === '2000' ? String(hour * 1000) : argument));
    return send(command, stream);
  };
  return redis;
}

/** Two instances that share a Redis; `redis` looks at it. */
async function setUp() {
  const server = await startRedis();
  const redis = await server.connect();
  const connections = [lockForGood(await server.connect()), lockForGood(await server.connect())] as const;
  const [one, other] = connections.map((connection) => redisCache(connection, patient));
  if (one === undefined || other === undefined) throw new Error('nothing was set up');
  const looks = vi.spyOn(connections[1], 'getrangeBuffer');
  /** When `other` has seen what there is by now, once more. */
  const looked = async () => {
    const before = looks.mock.calls.length;
    const isAnswered = () => looks.mock.settledResults.slice(before).some(({ type }) => type === 'fulfilled');
    await eventually('it has looked', isAnswered);
  };
  return { server, redis, one, other, connections, looked };
}

/** Only the time that claims go by stands still until it is moved; pauses and answers take what they take. */
function stopClock(): { advance(seconds: number): void } {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return { advance: (seconds) => void vi.advanceTimersByTime(seconds * 1000) };
}

const lockName = async (redis: Redis) => (await redis.keys('*:lock'))[0] ?? '';

describe('a claim', () => {
  it('goes to whoever comes first, for two seconds at most', async () => {
    const { server, redis } = await setUp();
    const cache = redisCache(await server.connect(), patient);
    let turn = 0;
    /** What is left as soon as it can be seen, of what a slow machine may have let run out. */
    const left = async () => {
      await redis.flushall();
      const claim = await cache.claim(`k${turn++}`, now, hour);
      expect(claim).toEqual({ release: expect.any(Function) });
      const milliseconds = await redis.pttl(await lockName(redis));
      expect(milliseconds).toBeLessThanOrEqual(2_000);
      return milliseconds;
    };
    await expect.poll(left).toBeGreaterThan(1_000);
  });

  it('of others ends with the entry as soon as it is stored', async () => {
    const { redis, one, other, looked } = await setUp();
    const { release } = await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    await one.set('k', entry, now);
    expect(await waiting).toEqual({ entry });
    release?.();
    await expect.poll(() => redis.keys('*:lock')).toEqual([]);
  });

  it('comes with the entry where one is there already: whether it is good enough is the caller’s to say', async () => {
    const { redis, one, other } = await setUp();
    await one.set('k', entry, now);
    const claim = await other.claim('k', now, hour);
    expect(claim).toEqual({ entry, release: expect.any(Function) });
    claim.release?.();
    await expect.poll(() => redis.keys('*:lock')).toEqual([]);
  });

  it('to replace an entry waits for another that is at it, and ends with the new one', async () => {
    const { one, other, looked } = await setUp();
    const newer = { ...entry, expiresAt: now + 3 * hour };
    await one.set('k', entry, now);
    const { release } = await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    await one.set('k', newer, now);
    expect(await waiting).toEqual({ entry: newer });
    release?.();
  });

  it('to replace an entry ends with that very one when the other gives up', async () => {
    const { one, other, looked } = await setUp();
    await one.set('k', entry, now);
    const { release } = await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    release?.();
    expect(await waiting).toEqual({ entry });
  });

  it('to replace an entry ends with that very one when the other is still at it when the budget is over', async () => {
    const { one, other, looked } = await setUp();
    const clock = stopClock();
    await one.set('k', entry, now);
    await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    clock.advance(hour);
    expect(await waiting).toEqual({ entry });
  });

  it('goes to one of many, and the others get its entry', async () => {
    const { server } = await setUp();
    const connections = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
    const looks = connections.map((connection) => vi.spyOn(lockForGood(connection), 'getrangeBuffer'));
    const claims = await Promise.all(
      connections.map(async (connection) => {
        const cache = redisCache(connection, patient);
        const claim = await cache.claim('k', now, hour);
        if (claim.release !== undefined) {
          // all have come
          await eventually('they look', () => looks.every(({ mock }) => mock.calls.length > 0));
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
    const { redis, one, other, looked } = await setUp();
    const { release } = await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    release?.();
    expect(await waiting).toEqual({});
    expect(await other.claim('k', now, hour)).toEqual({});
    expect(await redis.get(await lockName(redis))).toBe('-');
    expect(await one.claim('l', now, hour)).toEqual({ release: expect.any(Function) });
  });

  it('keeps nobody from the next one for more than two seconds when there is nothing to show for it', async () => {
    const { server, redis } = await setUp();
    const connection = await server.connect();
    const cache = redisCache(connection, patient);
    let turn = 0;
    /** As above: what is left when it is seen. */
    const left = async () => {
      await redis.flushall();
      const { release } = await cache.claim(`k${turn++}`, now, hour);
      release?.();
      // answered after that
      await connection.ping();
      const milliseconds = await redis.pttl(await lockName(redis));
      expect(milliseconds).toBeLessThanOrEqual(2_000);
      return milliseconds;
    };
    await expect.poll(left).toBeGreaterThan(1_000);
  });

  it('may go to the same instance again when it was of use', async () => {
    const { redis, one } = await setUp();
    const { release } = await one.claim('k', now, hour);
    await one.set('k', entry, now);
    release?.();
    await one.delete('k');
    await expect.poll(() => redis.dbsize()).toBe(0);
    expect(await one.claim('k', now, hour)).toEqual({ release: expect.any(Function) });
    expect(await redis.get(await lockName(redis))).toMatch(/^[\da-f-]{36}$/);
  });

  it('that was of use once may be of none the next time', async () => {
    const { redis, one } = await setUp();
    const { release } = await one.claim('k', now, hour);
    await one.set('k', entry, now);
    release?.();
    await one.delete('k');
    await expect.poll(() => redis.dbsize()).toBe(0);
    (await one.claim('k', now, hour)).release?.();
    await expect.poll(async () => redis.get(await lockName(redis))).toBe('-');
  });

  it('ends when its budget is over, and not before', async () => {
    const { one, other, looked } = await setUp();
    const clock = stopClock();
    await one.claim('k', now, hour);
    const ended = vi.fn();
    const waiting = other.claim('k', now, hour).finally(ended);
    await looked();
    clock.advance(hour - 1);
    // one that began before, and one after it
    await looked();
    await looked();
    expect(ended).not.toHaveBeenCalled();
    clock.advance(1);
    expect(await waiting).toEqual({});
  });

  it.each([0, -1])('without a budget (%d) asks nobody', async (budgetSeconds) => {
    const { redis, one } = await setUp();
    expect(await one.claim('k', now, budgetSeconds)).toEqual({});
    expect(await redis.dbsize()).toBe(0);
  });

  it('takes an entry past its deadline for none', async () => {
    const { one, other } = await setUp();
    await one.set('k', entry, now);
    expect(await other.claim('k', now + 2 * hour, hour)).toEqual({ release: expect.any(Function) });
  });

  it('takes an entry whose deadline passed meanwhile for none', async () => {
    const { one, other, looked } = await setUp();
    const clock = stopClock();
    await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    clock.advance(100);
    await one.set('k', { ...entry, expiresAt: now + 50 }, now - hour);
    await looked();
    clock.advance(hour);
    expect(await waiting).toEqual({});
  });

  it('takes poison for no entry', async () => {
    const { redis, one } = await setUp();
    await one.set('k', entry, now);
    const [name = ''] = await redis.keys('*');
    await redis.set(name, 'garbage');
    expect(await one.claim('k', now, hour)).toEqual({ release: expect.any(Function) });
  });

  it('is given up once, and never what has become another’s', async () => {
    const { redis, one, connections } = await setUp();
    /** What was sent before has been answered. */
    const settled = () => connections[0].ping();
    const { release } = await one.claim('k', now, hour);
    const name = await lockName(redis);
    await redis.set(name, 'another owner');
    release?.();
    await settled();
    expect(await redis.get(name)).toBe('another owner');
    await redis.del(name);
    const again = await one.claim('k', now, hour);
    await one.set('k', entry, now);
    again.release?.();
    await settled();
    expect(await redis.exists(name)).toBe(0);
    await redis.set(name, 'another owner');
    again.release?.();
    await settled();
    expect(await redis.get(name)).toBe('another owner');
  });

  it('ends at once when the lock is lost', async () => {
    const { redis, one, other, looked } = await setUp();
    await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    await redis.flushall();
    expect(await waiting).toEqual({});
  });

  it('tells nothing of the token', async () => {
    const { redis, one } = await setUp();
    await one.claim('digest', now, hour);
    const name = await lockName(redis);
    expect(name).toMatch(/^pt:1:\{[\w-]{43}\}:lock$/);
    expect(await redis.get(name)).toMatch(/^[\da-f-]{36}$/);
  });

  it('of another pepper or prefix is another', async () => {
    const { connections, one } = await setUp();
    await one.claim('k', now, hour);
    const odd = [
      { ...patient, keyPrefix: 'other:' },
      { ...patient, pepper: { ...pepper, secret: 'another of these, of more than 32 bytes' } },
    ].map((options) => redisCache(connections[0], options));
    for (const cache of odd)
      expect(await cache.claim('k', now, hour)).toEqual({ release: expect.any(Function) });
  });
});

describe('while Redis is unwell, a claim', () => {
  it('costs no more than a command may, once', async () => {
    const { server, connections } = await setUp();
    const cache = redisCache(connections[0], { pepper });
    server.pause();
    const first = cache.claim('k', now, 5);
    expect(await ownSeconds(() => first)).toBeLessThan(0.05);
    expect(await first).toEqual({});
    // no time passes any more
    stopTime();
    expect(await cache.claim('l', now, 5)).toEqual({});
  });

  it.each([
    ['nothing', undefined, {}],
    ['the entry that was there', entry, { entry }],
  ])('of others ends with it, and with %s', async (_what, stored, expected) => {
    const { server, one, other, looked } = await setUp();
    if (stored !== undefined) await one.set('k', stored, now);
    await one.claim('k', now, hour);
    const waiting = other.claim('k', now, hour);
    await looked();
    await server.kill();
    expect(await waiting).toEqual(expected);
  });

  it.each(['set', 'get', 'getrange'])('without the right to %s is nobody’s', async (command) => {
    const { redis, one } = await setUp();
    await redis.call('ACL', 'SETUSER', 'default', `-${command}`);
    expect(await one.claim('k', now, hour)).toEqual({});
  });

  /** An instance to which answers come only when they are let through, after it has waited for so many seconds. */
  async function setUpSlow(commandTimeoutSeconds: number) {
    const stage = await setUp();
    const link = await forTest(openLink(stage.server.port));
    const slow = lockForGood(await connected(openConnection(link.port)));
    const cache = redisCache(slow, { pepper, commandTimeoutSeconds });
    const { pass } = stopTime();
    link.silence(true);
    const after = async <T>(seconds: number, work: Promise<T>): Promise<T> => {
      await pass(seconds);
      link.silence(false);
      return work.finally(() => link.silence(true));
    };
    return { ...stage, link, cache, pass, after };
  }

  it.each([
    ['its budget', patienceSeconds, 0.05],
    ['what a command may take', 0.05, 0.05],
  ])('that came to hold too late for %s is given up again', async (_what, commandTimeoutSeconds, budget) => {
    const { redis, link, cache, other, pass } = await setUpSlow(commandTimeoutSeconds);
    const claiming = cache.claim('k', now, budget);
    await pass(0.05);
    expect(await claiming).toEqual({});
    link.silence(false);
    // so nobody waits for it
    await eventually('it is given up', async () => (await redis.get(await lockName(redis))) === '-');
    expect(await other.claim('k', now, hour)).toEqual({});
  });

  it.each([
    ['all that it needs', 1, true],
    ['what is left', 0.6, false],
  ])('is part of the one wait that a request has for Redis, and takes %s', async (_what, wait, isHeld) => {
    const { cache, after, pass } = await setUpSlow(wait);
    expect(await after(0.4, cache.get('k'))).toBeUndefined();
    const claiming = cache.claim('k', now, 5);
    if (isHeld) {
      expect(await after(0.4, claiming)).toEqual({ release: expect.any(Function) });
    } else {
      await pass(0.2);
      expect(await claiming).toEqual({});
    }
    const storing = cache.set('k', entry, now);
    const failing = expect(storing).rejects.toMatchObject({ code: 'ERR_CACHE_TIMEOUT' });
    await pass(isHeld ? 0.2 : 0.001);
    await failing;
  });
});
