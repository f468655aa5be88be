import { afterEach, describe, expect, it, vi } from 'vitest';
import { unsignedJwt } from '../test/authorization-server.js';
import type { CacheClaim } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import { memoryCache } from './memory-cache.js';

afterEach(() => void vi.useRealTimers());

const jwt = unsignedJwt({ sub: 'alice', exp: Date.now() / 1000 + 36_000 });
const answer = () => new Response(jwt, { headers: { 'Content-Type': 'application/jwt' } });

const createClient = (options: Partial<PhantomTokenClientOptions>) =>
  createPhantomTokenClient({
    introspectionEndpoint: 'https://as.test/introspect',
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    fetch: async () => answer(),
    ...options,
  });

describe('introspections that wait for those of other instances', () => {
  function setUp() {
    const claims: ((claim: CacheClaim) => void)[] = [];
    const claim = () => new Promise<CacheClaim>((resolve) => claims.push(resolve));
    const client = createClient({
      cache: { ...memoryCache(), claim },
      maxConcurrentIntrospections: 2,
      maxQueuedIntrospections: 3,
      timeoutSeconds: 60,
    });
    const ask = (token: string) =>
      client.exchange(token).then(
        ({ source }) => source,
        ({ code }) => code,
      );
    const arrived = (count: number) => expect.poll(() => claims.length).toBe(count);
    const grant = () => {
      for (const resolve of claims.splice(0)) resolve({});
    };
    return { ask, arrived, grant };
  }

  it('are as many as may run and queue, and no more', async () => {
    const { ask, arrived, grant } = setUp();
    const asked = Array.from({ length: 20 }, (_, index) => ask(`t${index}`));
    await arrived(5);
    grant();
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((outcome) => outcome === 'introspection')).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === 'ERR_OVERLOADED')).toHaveLength(15);
  });

  it('make room when they end', async () => {
    const { ask, arrived, grant } = setUp();
    for (const round of [1, 2]) {
      const asked = Array.from({ length: 5 }, (_, index) => ask(`t${round}-${index}`));
      await arrived(5);
      expect(await ask('one more')).toBe('ERR_OVERLOADED');
      grant();
      await Promise.all(asked);
    }
  });
});

it('a request whose answers are revoked in the air has one deadline for all its questions', async () => {
  vi.useFakeTimers();
  let asked = 0;
  const client = createClient({
    fetch: async () => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await client.revokeBySubject('alice');
      return answer();
    },
  });
  const settled = vi.fn();
  client.exchange('t').catch(({ code }) => settled(code));
  await vi.advanceTimersByTimeAsync(1_990);
  expect(asked).toBe(2);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20);
  expect(settled).toHaveBeenCalledWith('ERR_TIMEOUT');
  await vi.advanceTimersByTimeAsync(5_000);
});
