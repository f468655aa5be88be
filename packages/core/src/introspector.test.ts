import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import type { CacheClaim, CacheEntry, TokenCache } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import { localRevocations } from './revocation-channel.js';
import { tieredCache } from './tiered-cache.js';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const inactive = expect.objectContaining({ name: 'BearerError', code: 'ERR_INACTIVE' });
const jwtType = { 'Content-Type': 'application/jwt' };
const unknown = (code: string) => expect.objectContaining({ name: 'IntrospectionError', code });

async function setUp(options: Partial<PhantomTokenClientOptions> = {}) {
  const clock = createClock();
  const good: Answer = jwtAnswer(unsignedJwt({ sub: 's', exp: clock.now() + 3600 }));
  const server = await startServer(good);
  const events: PhantomTokenEvent[] = [];
  const instance = (more: Partial<PhantomTokenClientOptions> = {}) =>
    createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      now: clock.now,
      onEvent: (event) => events.push(event),
      ...options,
      ...more,
    });
  const count = (type: PhantomTokenEvent['type']) => events.filter((event) => event.type === type).length;
  const introspections = (atLeast: number) =>
    expect.poll(() => count('introspection')).toBeGreaterThanOrEqual(atLeast);
  return { clock, good, server, events, count, introspections, instance, client: instance() };
}

/** Answers when it is let go. */
function held(answer: Answer) {
  let arrived = () => {};
  let release = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  return {
    arrival,
    release: () => release(),
    answer: ((response, call) => {
      release = () => answer(response, call);
      arrived();
    }) satisfies Answer,
  };
}

/** A shared tier in which one instance at a time asks, as Redis does it. */
function claimingTier() {
  const entries = memoryCache();
  const claimed = new Set<string>();
  const waiting = new Set<() => void>();
  const log: string[] = [];
  const tier: TokenCache = {
    get: async (key, now) => entries.get(key, now),
    async set(key, entry) {
      log.push('set');
      entries.set(key, JSON.parse(JSON.stringify(entry)));
    },
    delete: async (key) => entries.delete(key),
    async claim(key, now) {
      while (claimed.has(key)) await new Promise<void>((resolve) => waiting.add(resolve));
      const entry = entries.get(key, now);
      if (entry !== undefined) return { entry };
      claimed.add(key);
      log.push('claimed');
      const release = () => {
        log.push('released');
        claimed.delete(key);
        for (const wake of waiting) wake();
        waiting.clear();
      };
      return { release };
    },
  };
  return { tier, entries, log };
}

describe('a claim', () => {
  it('lets one of many instances ask, and all use its answer', async () => {
    const { tier, log } = claimingTier();
    // at once: nobody waits for longer than 0.5 s, however busy the machine is
    const fetch = vi.fn(async () => new Response(unsignedJwt({ exp: 1_800_003_600 }), { headers: jwtType }));
    const { count, instance } = await setUp({ fetch });
    const clients = Array.from({ length: 8 }, () => instance({ cache: tieredCache(memoryCache(), tier) }));
    const tokens = await Promise.all(clients.map((client) => client.exchange('t')));
    expect(fetch).toHaveBeenCalledTimes(1);
    expect(tokens.map(({ source }) => source).sort()).toEqual([
      'introspection',
      ...Array.from({ length: 7 }, () => 'shared'),
    ]);
    expect(new Set(tokens.map(({ jwt }) => jwt)).size).toBe(1);
    expect(count('claim_joined')).toBe(7);
    expect(log).toEqual(['claimed', 'set', 'released']);
    for (const client of clients) expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
  });

  it('is made once for all who ask here, and not at all on a hit', async () => {
    const claim = vi.fn(async () => ({}));
    const { client } = await setUp({ cache: { ...memoryCache(), claim } });
    await Promise.all([client.exchange('t'), client.exchange('t')]);
    await client.exchange('t');
    expect(claim).toHaveBeenCalledTimes(1);
  });

  it.each([
    [2, 0.5],
    [1, 0.25],
    [10, 0.5],
  ])('with a timeout of %d s may take %d s', async (timeoutSeconds, budget) => {
    const claim = vi.fn(async (_key: string, _now: number, _budget: number) => ({}));
    const { clock, client } = await setUp({
      timeoutSeconds,
      fetch: async () => new Response(null, { status: 204 }),
      cache: { ...memoryCache(), claim },
    });
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    expect(claim.mock.calls).toEqual([[expect.stringMatching(/^[\w-]{43}$/), clock.now(), budget]]);
  });

  it.each<[string, Answer]>([
    ['fails', statusAnswer(500)],
    ['says inactive', statusAnswer(204)],
  ])('is given back, once, when the server %s', async (_title, answer) => {
    const release = vi.fn();
    const { server, client } = await setUp({ cache: { ...memoryCache(), claim: async () => ({ release }) } });
    server.answer = answer;
    await expect(client.exchange('t')).rejects.toThrow();
    expect(release).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => Promise<CacheClaim>]>([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['says nothing', async () => undefined as unknown as CacheClaim],
    ['has what is no entry', async () => ({ entry: { result: { active: 'yes' } } as unknown as CacheEntry })],
    ['has an entry that is over', async () => ({ entry: foreign({ expiresAt: 1_800_000_000 }) })],
    ['has an inactive entry', async () => ({ entry: foreign({ result: { active: false } }) })],
  ])('that %s counts as none', async (_title, claim) => {
    const { server, client } = await setUp({ cache: { ...memoryCache(), claim } });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(1);
  });

  it.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['never ends', () => new Promise(() => {})],
  ])('whose release %s harms nobody', async (_title, release) => {
    const { client } = await setUp({ cache: { ...memoryCache(), claim: async () => ({ release }) } });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('that comes too late is not waited for, and given back when it comes', async () => {
    const release = vi.fn();
    let come = (_claim: CacheClaim) => {};
    const late = new Promise<CacheClaim>((resolve) => {
      come = resolve;
    });
    const { events, client } = await setUp({
      timeoutSeconds: 0.2,
      fetch: async () => new Response(null, { status: 204 }),
      cache: { ...memoryCache(), claim: () => late },
    });
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    expect(events).toContainEqual({ type: 'cache_error', operation: 'claim', code: 'ERR_TIMEOUT' });
    expect(release).not.toHaveBeenCalled();
    come({ release });
    await expect.poll(() => release.mock.calls).toHaveLength(1);
  });

  it('takes its time from that of the introspection', async () => {
    let claimed = () => {};
    const hasClaimed = new Promise<void>((resolve) => {
      claimed = resolve;
    });
    const { client } = await setUp({
      timeoutSeconds: 0.4,
      cache: {
        ...memoryCache(),
        claim() {
          claimed();
          return new Promise(() => {});
        },
      },
      fetch: () => new Promise(() => {}),
    });
    vi.useFakeTimers();
    const failed = vi.fn();
    client.exchange('t').catch(failed);
    await hasClaimed;
    await vi.advanceTimersByTimeAsync(399);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(failed).toHaveBeenCalledWith(unknown('ERR_TIMEOUT'));
  });

  it('does not bring back what was revoked', async () => {
    const { tier, entries } = claimingTier();
    const set = vi.spyOn(tier, 'set');
    const { server, instance } = await setUp();
    const client = instance({ cache: tieredCache(memoryCache(), tier) });
    await client.exchange('t');
    await client.revokeBySubject('s');
    expect(entries.get(set.mock.calls[0]?.[0] as string)).toMatchObject({ result: { active: true } });
    server.answer = statusAnswer(204);
    await expect(client.exchange('t')).rejects.toThrow(inactive);
  });
});

const foreign = (change: Partial<CacheEntry> = {}): CacheEntry => ({
  result: { active: true, jwt: 'a.b.c', claims: {} },
  expiresAt: 1_800_000_100,
  storedAt: 1_800_000_000,
  ...change,
});

describe('a refresh', () => {
  /** The clock stands where the next hit starts one: the draw is the middle of the last 100 s of 300. */
  async function setUpRefresh(options: Partial<PhantomTokenClientOptions> = {}) {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const stage = await setUp({ refreshAhead: 1 / 3, ...options });
    await stage.client.exchange('t');
    return stage;
  }

  it('begins with the hit at its moment, which is answered at once', async () => {
    const { clock, server, count, introspections, client } = await setUpRefresh();
    clock.advance(249.75);
    client.exchangeOrWait('t');
    expect(count('refresh')).toBe(0);
    clock.advance(0.5);
    const before = client.exchangeOrWait('t');
    expect(before).toMatchObject({ source: 'memory', expiresAt: clock.now() - 250.25 + 300 });
    expect(count('refresh')).toBe(1);
    await introspections(2);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory', expiresAt: clock.now() + 300 });
    expect(server.calls).toHaveLength(2);
  });

  it('keeps a token in use from ever being waited for', async () => {
    // which leaves one place for refreshes, to be given back each time
    const { clock, server, count, introspections, client } = await setUpRefresh({
      maxConcurrentIntrospections: 1,
    });
    for (let hit = 0; hit < 120; hit++) {
      clock.advance(20);
      const before = count('refresh');
      expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
      if (count('refresh') > before) await introspections(1 + count('refresh'));
    }
    expect(server.calls).toHaveLength(10);
  });

  it.each([0, undefined])('does not happen with refreshAhead: %o', async (refreshAhead) => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { clock, server, client } = await setUp({ ...(refreshAhead === 0 && { refreshAhead }) });
    await client.exchange('t');
    clock.advance(299.9);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    await client.exchange('another');
    expect(server.calls).toHaveLength(2);
  });

  it('is one at a time, and shared by who comes too late for the answer in memory', async () => {
    const { clock, good, server, count, client } = await setUpRefresh();
    const slow = held(good);
    server.answer = slow.answer;
    clock.advance(250);
    for (let hit = 0; hit < 100; hit++) {
      client.exchangeOrWait('t');
      clock.advance(0.4);
    }
    await slow.arrival;
    clock.advance(20);
    const late = client.exchange('t');
    slow.release();
    expect(await late).toMatchObject({ source: 'introspection' });
    expect(count('refresh')).toBe(1);
    expect(server.calls).toHaveLength(2);
  });

  it('that finds the token inactive ends it at once, here and everywhere', async () => {
    const { tier, entries } = claimingTier();
    const set = vi.spyOn(tier, 'set');
    const revocations = localRevocations();
    const stage = await setUpRefresh({ cache: tieredCache(memoryCache(), tier), revocations });
    const { clock, server, events, introspections, client, instance } = stage;
    const other = instance({ cache: tieredCache(memoryCache(), tier), refreshAhead: 0 });
    await other.exchange('t');
    expect(other.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    server.answer = statusAnswer(204);
    clock.advance(250);
    client.exchangeOrWait('t');
    await introspections(2);
    await vi.waitFor(() => expect(() => client.exchangeOrWait('t')).toThrow(inactive), 15_000);
    expect(events).toContainEqual({ type: 'revoked', by: 'server' });
    await expect(other.exchange('t')).rejects.toThrow(inactive);
    // nor does the shared tier have it, or anybody when the inactive answers have passed
    expect(entries.get(set.mock.calls[0]?.[0] as string)).toBeUndefined();
    clock.advance(6);
    for (const it of [client, other]) await expect(it.exchange('t')).rejects.toThrow(inactive);
  });

  it('that finds the token inactive ends it although inactive answers are not kept and no tier says what it holds', async () => {
    const { get, set, delete: forget } = memoryCache();
    const { clock, server, introspections, client } = await setUpRefresh({
      inactiveTtlSeconds: 0,
      cache: { get, set, delete: forget },
    });
    server.answer = statusAnswer(204);
    clock.advance(250);
    client.exchangeOrWait('t');
    await introspections(2);
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    expect(server.calls).toHaveLength(3);
  });

  it('that learns nothing leaves the answer, and is tried again after half the time left', async () => {
    const { clock, server, count, introspections, client } = await setUpRefresh();
    server.answer = statusAnswer(500);
    clock.advance(250);
    for (const [later, refreshes] of [
      [0, 1],
      [24, 1],
      [1, 2],
      [12, 2],
      [1, 3],
    ] as const) {
      clock.advance(later);
      expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
      expect(count('refresh')).toBe(refreshes);
      await introspections(1 + refreshes);
      // its place is free again
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(12);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_STATUS'));
  });

  it('is not stored when the token was evicted meanwhile', async () => {
    const { clock, good, server, introspections, client } = await setUpRefresh();
    const slow = held(good);
    server.answer = slow.answer;
    clock.advance(250);
    client.exchangeOrWait('t');
    await slow.arrival;
    await client.evict('t');
    slow.release();
    await introspections(2);
    server.answer = statusAnswer(204);
    await expect(client.exchange('t')).rejects.toThrow(inactive);
  });

  it('does not happen for who is refused', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { clock, count, client } = await setUp({ refreshAhead: 0.9, audience: 'api' });
    await expect(client.exchange('t')).rejects.toThrow();
    clock.advance(299);
    expect(() => client.exchangeOrWait('t')).toThrow();
    expect(count('refresh')).toBe(0);
  });

  it('leaves room: at most a quarter of those that run at once', async () => {
    const { clock, good, server, count, client } = await setUpRefresh({ maxConcurrentIntrospections: 8 });
    for (const token of ['u', 'v', 'w']) await client.exchange(token);
    const slow = held(good);
    server.answer = slow.answer;
    clock.advance(250);
    for (const token of ['t', 'u', 'v', 'w']) client.exchangeOrWait(token);
    expect(count('refresh')).toBe(2);
  });

  it('takes what another instance has asked for since', async () => {
    const { tier } = claimingTier();
    const stage = await setUpRefresh({ cache: tieredCache(memoryCache(), tier) });
    const { clock, server, count, client, instance } = stage;
    const other = instance({ cache: tieredCache(memoryCache(), tier) });
    await other.exchange('t');
    clock.advance(250);
    tier.claim = async () => ({});
    client.exchangeOrWait('t');
    await stage.introspections(2);
    tier.claim = async (key, now) => ({ entry: (await tier.get(key, now)) as CacheEntry });
    other.exchangeOrWait('t');
    await expect.poll(() => count('claim_joined')).toBe(1);
    expect(other.exchangeOrWait('t')).toMatchObject({ source: 'memory', expiresAt: clock.now() + 300 });
    expect(server.calls).toHaveLength(2);
  });

  it('asks where the shared tier has but what we have', async () => {
    const { tier } = claimingTier();
    tier.claim = async (key, now) => ({ entry: (await tier.get(key, now)) as CacheEntry });
    const stage = await setUpRefresh({ cache: tieredCache(memoryCache(), tier) });
    stage.clock.advance(250);
    stage.client.exchangeOrWait('t');
    await stage.introspections(2);
    expect(stage.server.calls).toHaveLength(2);
  });

  it('is refused like any other while the server is left alone', async () => {
    const { clock, server, events, introspections, client } = await setUpRefresh({ breakerFailures: 1 });
    server.answer = statusAnswer(503, { 'Retry-After': '60' });
    await expect(client.exchange('another')).rejects.toThrow(unknown('ERR_UNAVAILABLE'));
    clock.advance(250);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    await introspections(3);
    expect(events.at(-1)).toMatchObject({ type: 'introspection', code: 'ERR_BREAKER_OPEN' });
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(2);
  });

  it('does not happen where requests must not share I/O', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    const { clock, server, count, client } = await setUpRefresh();
    clock.advance(299);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(count('refresh')).toBe(0);
    expect(server.calls).toHaveLength(1);
  });
});

describe('an introspection that waits for others', () => {
  it('gives up in time, and its waiting is not held against the server', async () => {
    vi.useFakeTimers();
    const answers: (() => void)[] = [];
    const { client } = await setUp({
      timeoutSeconds: 2,
      maxConcurrentIntrospections: 1,
      breakerFailures: 1,
      fetch: () => new Promise((resolve) => answers.push(() => resolve(new Response(null, { status: 204 })))),
    });
    const outcomes: string[] = [];
    const ask = (token: string) => client.exchange(token).catch(({ code }) => outcomes.push(code));
    ask('first');
    await vi.advanceTimersByTimeAsync(500);
    ask('second');
    await vi.advanceTimersByTimeAsync(999);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['ERR_OVERLOADED']);
    ask('third');
    await vi.advanceTimersByTimeAsync(400);
    answers[0]?.();
    // what it spent in the queue is part of its time
    await vi.advanceTimersByTimeAsync(1599);
    expect(outcomes).toEqual(['ERR_OVERLOADED', 'ERR_INACTIVE']);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes.at(-1)).toBe('ERR_TIMEOUT');
    ask('fourth');
    await vi.advanceTimersByTimeAsync(0);
    expect(outcomes.at(-1)).toBe('ERR_BREAKER_OPEN');
    expect(answers).toHaveLength(2);
  });
});
