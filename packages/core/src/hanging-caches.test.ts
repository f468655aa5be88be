import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unsignedJwt } from '../test/authorization-server.js';
import type { CacheEntry, TokenCache } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import { tieredCache } from './tiered-cache.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => {});

/** A tier behind a network, of which each function can be made to hang. */
function slowTier() {
  const entries = memoryCache();
  const hangs = { get: false, set: false, delete: false };
  const tier = {
    get: vi.fn(async (key: string) => (hangs.get ? never() : entries.get(key))),
    set: vi.fn(async (key: string, entry: CacheEntry) => (hangs.set ? never() : entries.set(key, entry))),
    delete: vi.fn(async (key: string) => (hangs.delete ? never() : entries.delete(key))),
    claim: vi.fn(async () => (hangs.get ? never() : {})),
  };
  return { tier, hangs };
}

function setUp(cache: TokenCache, options: Partial<PhantomTokenClientOptions> = {}) {
  const events: PhantomTokenEvent[] = [];
  const client = createPhantomTokenClient({
    introspectionEndpoint: 'https://as.test/introspect',
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    cache,
    onEvent: (event) => events.push(event),
    fetch: async () => {
      const jwt = unsignedJwt({ exp: Date.now() / 1000 + 3600 });
      return new Response(jwt, { headers: { 'Content-Type': 'application/jwt' } });
    },
    ...options,
  });
  /** How long a request took, and whence the answer. */
  const ask = async (token: string) => {
    const startedAt = performance.now();
    let settled: readonly [string, number] | undefined;
    client.exchange(token).then(({ source }) => {
      settled = [source, Math.round(performance.now() - startedAt)];
    });
    while (settled === undefined) await vi.advanceTimersByTimeAsync(1);
    return settled;
  };
  const codes = () => events.flatMap((event) => (event.type === 'cache_error' ? [event.code] : []));
  return { client, ask, codes };
}

const within = (milliseconds: number) => expect.toSatisfy((took: number) => took <= milliseconds);

describe('a cache that does not answer', () => {
  it('costs one request 50 ms, and the next ones nothing', async () => {
    const { ask, codes } = setUp({ get: never, set: never, delete: never, claim: never });
    const [source, took] = await ask('first');
    expect([source, took]).toEqual(['introspection', within(55)]);
    expect(took).toBeGreaterThanOrEqual(50);
    for (const token of ['second', 'third']) expect(await ask(token)).toEqual(['introspection', within(5)]);
    expect(codes()).toEqual(['ERR_TIMEOUT', 'ERR_CACHE_OPEN', 'ERR_CACHE_OPEN']);
  });

  it('costs as much as was set', async () => {
    const cache = { get: never, set: never, delete: never };
    const { ask } = setUp(cache, { cacheTimeoutSeconds: 0.2 });
    const [, took] = await ask('first');
    expect(took).toBeGreaterThanOrEqual(200);
    expect(took).toBeLessThan(210);
  });

  it('is asked once a second whether it does by now, and used again when it does', async () => {
    const { tier, hangs } = slowTier();
    const { ask } = setUp(tier);
    await ask('known');
    hangs.get = true;
    await ask('first');
    tier.get.mockClear();
    await vi.advanceTimersByTimeAsync(900);
    await ask('second');
    expect(tier.get).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    await ask('probe');
    await ask('third');
    expect(tier.get).toHaveBeenCalledTimes(1);
    hangs.get = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await ask('known'))[0]).toBe('shared');
    expect((await ask('known'))[0]).toBe('shared');
  });

  it('is not asked on the way of what memory has, which is no probe', async () => {
    const { tier, hangs } = slowTier();
    const { ask } = setUp(tieredCache(memoryCache(), tier));
    await ask('known');
    hangs.get = true;
    await ask('first');
    expect(await ask('known')).toEqual(['memory', 0]);
    // what was learned meanwhile is in memory, too
    expect(await ask('first')).toEqual(['memory', 0]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ask('known')).toEqual(['memory', 0]);
    tier.get.mockClear();
    await ask('probe');
    expect(tier.get).toHaveBeenCalledTimes(1);
  });

  it('but to reads makes one request wait for it to store, and the next ones not', async () => {
    const { tier, hangs } = slowTier();
    hangs.set = true;
    const { ask } = setUp(tier);
    const [, took] = await ask('first');
    expect(took).toBeGreaterThanOrEqual(50);
    expect(took).toBeLessThanOrEqual(55);
    expect(await ask('second')).toEqual(['introspection', within(5)]);
    expect(tier.set).toHaveBeenCalledTimes(2);
  });

  it('makes nobody wait for the other instances', async () => {
    const { tier, hangs } = slowTier();
    hangs.get = true;
    const { ask } = setUp(tier);
    await ask('first');
    await ask('second');
    expect(tier.claim).not.toHaveBeenCalled();
  });
});

it('an answer that lies in the socket while this process is busy is read', async () => {
  vi.useRealTimers();
  const { tier } = slowTier();
  const { client } = setUp(tier);
  await client.exchange('t');
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<void>((resolve) => {
    port2.onmessage = () => resolve();
  });
  tier.get.mockImplementationOnce(async () => {
    await arrived;
    return tier.get(tier.get.mock.calls[0]?.[0] as string);
  });
  const asking = client.exchange('t');
  port1.postMessage('answer');
  const busyUntil = performance.now() + 80;
  while (performance.now() < busyUntil);
  expect((await asking).source).toBe('shared');
  port1.close();
});
