import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { patienceSeconds } from '../test/patience.js';
import { connected, openConnection, startRedis } from '../test/redis-process.js';
import { createRedisBreaker } from './redis-breaker.js';
import { redisCache } from './redis-cache.js';
import { redisRevocations } from './redis-revocations.js';

const never = () => new Promise<never>(() => {});
const failure = (code: string) => expect.objectContaining({ name: 'CacheError', code });

/** A server that answers probes as soon as it is well. */
async function setUp() {
  const server = await startRedis();
  const redis = await connected(openConnection(server.port));
  const time = { now: 0 };
  const breaker = createRedisBreaker(redis, () => time.now);
  const health = { isWell: false };
  const probes = vi
    .spyOn(redis, 'exists')
    .mockImplementation(() => (health.isWell ? Promise.resolve(0) : never()));
  const fail = (timeoutSeconds: number) =>
    breaker.run('k', timeoutSeconds, never).catch(({ code }: { code: string }) => code);
  const ask = (timeoutSeconds: number) =>
    breaker.run('k', timeoutSeconds, async () => 'sent').catch(({ code }: { code: string }) => code);
  return { server, redis, breaker, time, health, probes, fail, ask };
}

describe('a server that did not answer the impatient in time', () => {
  it('is asked by those who have much more patience, and by nobody else', async () => {
    const { fail, ask } = await setUp();
    expect(await fail(0.04)).toBe('ERR_CACHE_TIMEOUT');
    expect(await ask(0.04)).toBe('ERR_CACHE_OPEN');
    expect(await ask(0.05)).toBe('ERR_CACHE_OPEN');
    expect(await ask(patienceSeconds)).toBe('sent');
  });

  it('is given up by those as well when it does not answer them either, and has none ask that have less', async () => {
    const { fail, ask } = await setUp();
    expect(await fail(0.1)).toBe('ERR_CACHE_TIMEOUT');
    expect(await ask(0.01)).toBe('ERR_CACHE_OPEN');
    expect(await fail(0.3)).toBe('ERR_CACHE_TIMEOUT');
    expect(await ask(0.3)).toBe('ERR_CACHE_OPEN');
  });

  it('is trusted by all again when it answers the least patient of them in time', async () => {
    const { fail, ask, time, health } = await setUp();
    await fail(0.04);
    await fail(0.2);
    health.isWell = true;
    time.now = 1;
    expect(await ask(0.04)).toBe('ERR_CACHE_OPEN');
    await new Promise(setImmediate);
    expect(await ask(0.04)).toBe('sent');
    expect(await ask(0.2)).toBe('sent');
  });

  it('is told of revocations all the same', async () => {
    const { server } = await setUp();
    const redis = await server.connect();
    vi.spyOn(redis, 'getrangeBuffer').mockImplementation(never);
    vi.spyOn(redis, 'exists').mockImplementation(never);
    const cache = redisCache(redis);
    const revocations = redisRevocations(redis, { commandTimeoutSeconds: patienceSeconds });
    onTestFinished(() => revocations.close());
    await expect(cache.get('key')).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
    await expect(cache.get('key')).rejects.toThrow(failure('ERR_CACHE_OPEN'));
    await expect(revocations.publish('d'.repeat(43))).resolves.toBeUndefined();
  });
});

it('a server is given up, too, where the driver gives a command up first', async () => {
  const { breaker, ask, probes } = await setUp();
  const impatient = async () => {
    throw new Error('Command timed out');
  };
  await expect(breaker.run('k', patienceSeconds, impatient)).rejects.toThrow(failure('ERR_CACHE_TIMEOUT'));
  expect(await ask(patienceSeconds)).toBe('ERR_CACHE_OPEN');
  expect(probes).toHaveBeenCalledTimes(1);
});

it('a probe that the driver gives up is not answered', async () => {
  const { redis, fail, ask } = await setUp();
  vi.spyOn(redis, 'exists').mockRejectedValue(new Error('Command timed out'));
  await fail(0.04);
  await new Promise(setImmediate);
  expect(await ask(0.04)).toBe('ERR_CACHE_OPEN');
});
