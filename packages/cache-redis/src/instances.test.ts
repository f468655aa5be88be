import { canaries, jwt, startScriptedServer } from '@phantom-token/conformance';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  type PhantomTokenEvent,
  tieredCache,
} from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, openConnection, startRedis } from '../test/redis-process.js';
import { redisCache } from './redis-cache.js';

async function startServer() {
  const server = await startScriptedServer();
  onTestFinished(() => server.close());
  server.answer(jwt());
  return server;
}

/** One instance of a service: memory of its own in front of the shared tier. */
function createInstance(introspectionEndpoint: string, redis: Redis) {
  const events: PhantomTokenEvent[] = [];
  const client = createPhantomTokenClient({
    introspectionEndpoint,
    clientAuth: clientSecretBasic('instance', canaries.secret),
    cache: tieredCache(memoryCache(), redisCache(redis)),
    onEvent: (event) => events.push(event),
    now: () => 1_800_000_000,
  });
  return { client, events };
}

describe('instances that share a Redis', () => {
  it('introspect a token once together', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    const one = createInstance(server.endpoint, await redis.connect());
    const other = createInstance(server.endpoint, await redis.connect());
    expect((await one.client.exchange(canaries.token)).source).toBe('introspection');
    expect((await other.client.exchange(canaries.token)).source).toBe('shared');
    expect((await other.client.exchange(canaries.token)).source).toBe('memory');
    expect(server.calls.length).toBe(1);
  });

  it('put no token, JWT, subject or secret into a key, and no token or secret into a value', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    const connection = await redis.connect();
    await createInstance(server.endpoint, connection).client.exchange(canaries.token);
    const keys = await connection.keys('*');
    expect(keys).toHaveLength(1);
    for (const canary of Object.values(canaries)) {
      for (const form of [
        canary,
        encodeURIComponent(canary),
        btoa(canary),
        Buffer.from(canary).toString('hex'),
      ]) {
        expect(keys.join().includes(form)).toBe(false);
      }
    }
    const value = (await connection.get(keys[0] ?? '')) ?? '';
    expect(value.includes(canaries.token) || value.includes(canaries.secret)).toBe(false);
  });

  it('serve on when it dies, at the cost of one bounded wait for each introspection', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    const { client, events } = createInstance(server.endpoint, await redis.connect());
    await client.exchange('known');
    await redis.kill();
    expect((await client.exchange('known')).source).toBe('memory');
    expect((await client.exchange('unknown')).source).toBe('introspection');
    const failures = events.filter(({ type }) => type === 'cache_error');
    expect(failures.map((event) => event.type === 'cache_error' && event.operation)).toEqual(['get', 'set']);
  });

  it('serve although it was never there', async () => {
    const server = await startServer();
    const { client } = createInstance(server.endpoint, openConnection(await freePort()));
    expect((await client.exchange(canaries.token)).source).toBe('introspection');
    expect((await client.exchange(canaries.token)).source).toBe('memory');
  });

  it('forget a token together when one evicts it from the shared tier', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    const connection = await redis.connect();
    const { client } = createInstance(server.endpoint, connection);
    await client.exchange(canaries.token);
    await client.evict(canaries.token);
    expect(await connection.dbsize()).toBe(0);
    expect((await client.exchange(canaries.token)).source).toBe('introspection');
  });
});
