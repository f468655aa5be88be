import { canaries, jwt, late, startScriptedServer } from '@phantom-token/conformance';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  type PhantomTokenEvent,
  tieredCache,
} from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bePatient, patienceSeconds } from '../test/patience.js';
import { freePort, openConnection, startRedis } from '../test/redis-process.js';
import { forTest } from '../test/topologies/owned.js';
import { startStandalone } from '../test/topologies/standalone.js';
import { connectRedis } from './connect-redis.js';
import { redisCache } from './redis-cache.js';
import { redisReplayStore } from './redis-replay-store.js';

const pepper = { id: 'p', secret: 'what all instances know and Redis does not' };

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
    cache: tieredCache(memoryCache(), redisCache(redis, { pepper, commandTimeoutSeconds: patienceSeconds })),
    timeoutSeconds: patienceSeconds,
    cacheTimeoutSeconds: 2 * patienceSeconds,
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

  it('introspect a token once together although all are asked for it at once', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    server.answer(late(0.05, jwt()));
    const instances = await Promise.all(
      Array.from({ length: 8 }, async () => createInstance(server.endpoint, await redis.connect())),
    );
    let round = 0;
    const ask = async () => {
      const before = server.calls.length;
      const token = `hot-${round++}`;
      const answers = await Promise.all(instances.map(({ client }) => client.exchange(token)));
      const sources = answers.map(({ source }) => source).toSorted();
      const jwts = new Set(answers.map(({ jwt }) => jwt)).size;
      return { introspections: server.calls.length - before, jwts, sources };
    };
    // they wait for each other half a second at most, and a busy machine may stand still for as long, but not every time
    await expect.poll(ask).toEqual({
      introspections: 1,
      jwts: 1,
      sources: ['introspection', ...Array.from({ length: 7 }, () => 'shared')],
    });
  });

  it('put no token, JWT, subject or secret into Redis, in whatever form', async () => {
    const [server, redis] = await Promise.all([startServer(), startRedis()]);
    const connection = await redis.connect();
    await createInstance(server.endpoint, connection).client.exchange(canaries.token);
    const [key = '', ...others] = await connection.keys('*');
    expect(others).toEqual([]);
    const value = (await connection.getBuffer(key)) ?? Buffer.alloc(0);
    expect(value.length).toBeGreaterThan(1000);
    for (const canary of [...Object.values(canaries), pepper.secret]) {
      for (const form of [
        canary,
        encodeURIComponent(canary),
        btoa(canary),
        Buffer.from(canary).toString('base64url'),
        Buffer.from(canary).toString('hex'),
      ]) {
        expect(key.includes(form) || value.includes(form)).toBe(false);
      }
    }
  });

  it('need no other rights than to their own keys, and to a handful of commands', async () => {
    const rights = '~pt:* -@all +getrange +set +get +unlink +exists +eval +info +time';
    const [server, redis] = await Promise.all([
      startServer(),
      forTest(startStandalone({ users: [`app on >secret ${rights}`] })),
    ]);
    const url = `redis://app:secret@127.0.0.1:${redis.port}`;
    const [one, other] = await Promise.all(
      Array.from({ length: 2 }, async () => {
        const connection = connectRedis({ url }) as Redis;
        onTestFinished(() => connection.disconnect());
        bePatient(connection);
        await expect.poll(() => connection.status).toBe('ready');
        const store = redisReplayStore(connection, {
          whenUnavailable: 'refuse',
          commandTimeoutSeconds: patienceSeconds,
        });
        const verdict = store.add('k', 1_800_000_060, 1_800_000_000);
        return { ...createInstance(server.endpoint, connection), isNew: await verdict };
      }),
    );
    expect([one?.isNew, other?.isNew].toSorted()).toEqual([false, true]);
    await one?.client.exchange(canaries.token);
    expect((await other?.client.exchange(canaries.token))?.source).toBe('shared');
    await other?.client.evict(canaries.token);
    const events = [one, other].flatMap((it) => it?.events ?? []);
    // a claim that ran out is no more than a busy machine
    const isFailure = (event: PhantomTokenEvent) =>
      event.type === 'cache_error' && !(event.operation === 'claim' && event.code === 'ERR_TIMEOUT');
    expect(events.filter(isFailure)).toEqual([]);
  });

  it('serve on when it dies, and wait for nothing', async () => {
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
