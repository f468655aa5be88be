import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  jsonAnswer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import type { TokenCache } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import { jwtMinter } from './minting.js';
import { tieredCache } from './tiered-cache.js';

afterEach(() => vi.restoreAllMocks());

const inactive = expect.objectContaining({ name: 'BearerError', code: 'ERR_INACTIVE' });
const unknown = (code: string) => expect.objectContaining({ name: 'IntrospectionError', code });
const broken: Answer = (response) => response.destroy();

/** A token that was introspected, 300 s ago less one, at a server that has failed since. */
async function setUp(options: Partial<PhantomTokenClientOptions> = {}, claims: object = {}, headers = {}) {
  const clock = createClock();
  const jwt = unsignedJwt({ sub: 's', exp: clock.now() + 3600, ...claims });
  const server = await startServer(jwtAnswer(jwt, headers));
  const events: PhantomTokenEvent[] = [];
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    staleIfErrorSeconds: 60,
    now: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  });
  await client.introspect('t');
  server.answer = broken;
  clock.advance(299);
  return { clock, jwt, server, events, client };
}

describe('an answer past its deadline', () => {
  it('stands in while the server fails, so long and no longer', async () => {
    const { clock, jwt, events, client } = await setUp();
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    for (const later of [1, 59]) {
      clock.advance(later);
      expect(await client.exchange('t')).toMatchObject({ jwt, source: 'stale', expiresAt: 1_800_000_300 });
    }
    expect(events.filter(({ type }) => type === 'stale_used')).toEqual([
      { type: 'stale_used', code: 'ERR_UNREACHABLE' },
      { type: 'stale_used', code: 'ERR_UNREACHABLE' },
    ]);
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('is what introspect says too', async () => {
    const { clock, client } = await setUp();
    clock.advance(1);
    expect(await client.introspect('t')).toMatchObject({ active: true, claims: { sub: 's' } });
  });

  it('does not stand in by default', async () => {
    const { clock, events, client } = await setUp({ staleIfErrorSeconds: 0 });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
    expect(events.some(({ type }) => type === 'stale_used')).toBe(false);
  });

  it('is asked about each time, and gives way to the first answer', async () => {
    const { clock, jwt, server, client } = await setUp();
    clock.advance(1);
    await client.exchange('t');
    expect(server.calls.length).toBeGreaterThan(1);
    server.answer = jwtAnswer(jwt);
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
  });

  it.each<[string, Answer]>([
    ['fails', statusAnswer(500)],
    ['is busy', statusAnswer(503)],
    ['refuses us', statusAnswer(401)],
    ['sends away', statusAnswer(302, { Location: '/' })],
    ['says nonsense', jsonAnswer({ active: 'yes' })],
    ['gives no JWT', jsonAnswer({ active: true })],
  ])('stands in where the server %s', async (_title, answer) => {
    const { clock, server, client } = await setUp();
    server.answer = answer;
    clock.advance(1);
    expect(await client.exchange('t')).toMatchObject({ source: 'stale' });
  });

  it('stands in where the server is left alone, without a call', async () => {
    const { clock, server, events, client } = await setUp({ breakerFailures: 1 });
    server.answer = statusAnswer(503, { 'Retry-After': '60' });
    clock.advance(1);
    await client.exchange('t');
    const calls = server.calls.length;
    expect(await client.exchange('t')).toMatchObject({ source: 'stale' });
    expect(events.at(-1)).toEqual({ type: 'stale_used', code: 'ERR_BREAKER_OPEN' });
    expect(server.calls).toHaveLength(calls);
  });

  it('stands in for who can wait no longer, not for who has left', async () => {
    const { clock, server, client } = await setUp();
    server.answer = () => {};
    clock.advance(1);
    expect(await client.exchange('t', { signal: AbortSignal.timeout(20) })).toMatchObject({
      source: 'stale',
    });
    const left = AbortSignal.abort(new Error('gone'));
    await expect(client.exchange('t', { signal: left })).rejects.toThrow('gone');
  });

  it('does not stand in for a 400, which may mean that the token is not known', async () => {
    const { clock, server, client } = await setUp();
    server.answer = statusAnswer(400);
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_BAD_REQUEST'));
  });

  it('never stands in past the end of the token', async () => {
    const { clock, client } = await setUp({ earlyExpirySeconds: 0 }, { exp: 1_800_000_320 });
    clock.advance(20);
    expect(await client.exchange('t')).toMatchObject({ source: 'stale' });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it.each([
    ['must-revalidate', 0],
    ['stale-if-error=30', 30],
  ])('obeys %s', async (cacheControl, seconds) => {
    const { clock, client } = await setUp({}, {}, { 'Cache-Control': cacheControl });
    clock.advance(seconds);
    expect(await client.exchange('t')).toMatchObject({ source: seconds === 0 ? 'memory' : 'stale' });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('is of no use where it must not be stored', async () => {
    const { client } = await setUp({}, {}, { 'Cache-Control': 'no-store' });
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it.each<[string, object, string]>([
    ['issuer', { issuer: 'https://as.test' }, 'ERR_WRONG_ISSUER'],
    ['audience', { audience: 'api' }, 'ERR_WRONG_AUDIENCE'],
  ])('is judged by %s like any other', async (_title, policy, code) => {
    const { clock, events, client } = await setUp(policy, { iss: 'https://evil.test', aud: 'elsewhere' });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(
      expect.objectContaining({ name: 'BearerError', code }),
    );
    expect(events.at(-1)).toMatchObject({ type: 'stale_used' });
  });

  const noneLeft: ReadonlyArray<[string, (stage: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>]> = [
    [
      'the server called the token inactive',
      async ({ clock, server, client }) => {
        server.answer = statusAnswer(204);
        await expect(client.exchange('t')).rejects.toThrow(inactive);
        server.answer = broken;
        clock.advance(6);
      },
    ],
    ['the token was evicted', ({ client }) => client.evict('t')],
    ['the token was revoked', ({ client }) => client.revoke('t')],
    ['its subject was revoked', ({ client }) => client.revokeBySubject('s')],
  ];

  it.each(noneLeft)('never stands in once %s', async (_title, happen) => {
    const stage = await setUp();
    stage.clock.advance(1);
    await happen(stage);
    await expect(stage.client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('never stands in once the server called the token inactive, though no such answer is kept', async () => {
    const { clock, server, client } = await setUp({ inactiveTtlSeconds: 0 });
    clock.advance(1);
    server.answer = statusAnswer(204);
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    server.answer = broken;
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('stands in although the shared tier is down', async () => {
    const entries = memoryCache();
    let isDown = false;
    const shared: TokenCache = {
      get: async (key, now) => (isDown ? Promise.reject(new Error('down')) : entries.get(key, now)),
      set: async (key, entry) => entries.set(key, entry),
      delete: async () => {},
    };
    const { clock, client } = await setUp({ cache: tieredCache(memoryCache(), shared) });
    isDown = true;
    clock.advance(1);
    expect(await client.exchange('t')).toMatchObject({ source: 'stale' });
  });

  it('does not stand in where the cache does not say what it holds', async () => {
    const { get, set, delete: forget } = memoryCache();
    const { clock, client } = await setUp({ cache: { get, set, delete: forget } });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('does not stand in where looking fails', async () => {
    const peek = () => {
      throw new Error('broken');
    };
    const cache = memoryCache();
    const { clock, client } = await setUp({ cache: { ...cache, memory: { ...cache.memory, peek } } });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
  });

  it('has a minted JWT that lasts as long', async () => {
    const { privateKey } = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
    const mintJwt = jwtMinter({ issuer: 'https://gateway.test', keys: privateKey, audience: 'api' });
    const mint = vi.spyOn({ ...mintJwt }, 'mint');
    const said = { active: true, token_type: 'Bearer', sub: 's', exp: 1_800_003_600 };
    const clock = createClock();
    const server = await startServer(jsonAnswer(said));
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      accept: 'application/json',
      mintJwt: { ...mintJwt, mint },
      staleIfErrorSeconds: 60,
      now: clock.now,
    });
    await client.exchange('t');
    expect(mint).toHaveBeenCalledWith(expect.anything(), { now: clock.now(), expiresAt: 1_800_000_370 });
  });
});
