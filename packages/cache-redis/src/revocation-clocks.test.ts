import { jwt, startScriptedServer } from '@phantom-token/conformance';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  localRevocations,
  memoryCache,
  tieredCache,
} from '@phantom-token/core';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { patienceSeconds } from '../test/patience.js';
import { startRedis } from '../test/redis-process.js';
import { redisCache } from './redis-cache.js';

afterEach(() => void vi.useRealTimers());

/** From here on this process's clock differs from Redis' by so many seconds. */
const setClock = (seconds: number) =>
  vi.useFakeTimers({ toFake: ['Date'], now: performance.timeOrigin + performance.now() + seconds * 1000 });

const now = () => Date.now() / 1000;

async function setUp() {
  const [server, redis] = await Promise.all([startScriptedServer(), startRedis()]);
  onTestFinished(() => server.close());
  server.answer(jwt({ sub: 'alice', exp: now() + 3600 }));
  const revocations = localRevocations();
  const open = async () => {
    const connection = await redis.connect();
    const asked = vi.spyOn(connection, 'time');
    const cache = redisCache(connection, { commandTimeoutSeconds: patienceSeconds });
    await expect.poll(() => asked.mock.settledResults[0]?.type).toBe('fulfilled');
    return createPhantomTokenClient({
      introspectionEndpoint: server.endpoint,
      clientAuth: clientSecretBasic('instance', 'sesame'),
      cache: tieredCache(memoryCache(), cache),
      cacheTimeoutSeconds: 2 * patienceSeconds,
      revocations,
      timeoutSeconds: patienceSeconds,
      now,
    });
  };
  return { open };
}

it('an instance whose clock is behind forgets what another asked before its subject was revoked', async () => {
  const { open } = await setUp();
  const writer = await open();
  await writer.exchange('token');
  setClock(-300);
  const reader = await open();
  expect((await reader.exchange('token')).source).toBe('shared');
  setClock(-290);
  expect((await reader.exchange('token')).source).toBe('memory');
  await writer.revokeBySubject('alice');
  expect((await reader.exchange('token')).source).toBe('introspection');
});
