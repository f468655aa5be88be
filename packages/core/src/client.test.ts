import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  jsonAnswer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import type { CacheEntry, TokenCache } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic, clientSecretPost } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import { tieredCache } from './tiered-cache.js';

const clock = createClock();
const validJwt = (claims: object = {}) => unsignedJwt({ sub: 's', exp: clock.now() + 3600, ...claims });

async function setUp(options: Partial<PhantomTokenClientOptions> = {}, answer = jwtAnswer(validJwt())) {
  const server = await startServer(answer);
  const events: PhantomTokenEvent[] = [];
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    now: clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { server, client, events };
}

const bearer = (code: string) => expect.objectContaining({ name: 'BearerError', code });
const unknown = (code: string, status = 502) =>
  expect.objectContaining({ name: 'IntrospectionError', code, status });

afterEach(() => vi.unstubAllGlobals());

describe('the introspection request', () => {
  it('is the one of RFC 7662, with nothing but the token', async () => {
    const { server, client } = await setUp();
    await client.exchange('t&token_type_hint=x +%é');
    expect(server.calls[0]).toMatchObject({
      method: 'POST',
      headers: {
        accept: 'application/jwt',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${btoa('gateway:sesame')}`,
      },
    });
    expect([...(server.calls[0]?.form ?? [])]).toEqual([['token', 't&token_type_hint=x +%é']]);
  });

  it('carries extra parameters and posted credentials', async () => {
    const { server, client } = await setUp(
      {
        accept: 'application/json',
        clientAuth: clientSecretPost('gateway', 'sesame'),
        extraParameters: { resource: 'a&b' },
      },
      jsonAnswer({ active: false }),
    );
    await client.introspect('t');
    expect(server.calls[0]?.headers.accept).toBe('application/json');
    expect(Object.fromEntries(server.calls[0]?.form ?? [])).toEqual({
      resource: 'a&b',
      token: 't',
      client_id: 'gateway',
      client_secret: 'sesame',
    });
  });
});

describe('exchange', () => {
  it('gives the JWT, then gives it from memory', async () => {
    const { server, client, events } = await setUp();
    const token = await client.exchange('t');
    expect(token).toMatchObject({ jwt: validJwt(), source: 'introspection', expiresAt: clock.now() + 300 });
    expect(token.claims.sub).toBe('s');
    expect(await client.exchange('t')).toMatchObject({
      jwt: validJwt(),
      source: 'memory',
      expiresAt: clock.now() + 300,
    });
    expect(server.calls).toHaveLength(1);
    expect(events.map((event) => event.type)).toEqual(['cache_miss', 'introspection', 'cache_hit']);
  });

  it('answers from memory without a promise', async () => {
    const { client } = await setUp();
    expect(client.exchangeOrWait('t')).toBeInstanceOf(Promise);
    await client.exchange('t');
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
  });

  it('refuses an inactive token, from memory too, and asks again when that has passed', async () => {
    const { server, client } = await setUp({}, statusAnswer(204));
    await expect(client.exchange('t')).rejects.toThrow(bearer('ERR_INACTIVE'));
    expect(() => client.exchangeOrWait('t')).toThrow(bearer('ERR_INACTIVE'));
    expect(server.calls).toHaveLength(1);
    clock.advance(5);
    server.answer = jwtAnswer(validJwt());
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('looks at the clock on every hit', async () => {
    const { server, client } = await setUp(
      { earlyExpirySeconds: 0 },
      jwtAnswer(unsignedJwt({ exp: clock.now() + 20 })),
    );
    await client.exchange('t');
    clock.advance(19);
    expect(await client.exchange('t')).toMatchObject({ source: 'memory' });
    clock.advance(1);
    await expect(client.exchange('t')).rejects.toThrow(bearer('ERR_INACTIVE'));
    expect(server.calls).toHaveLength(2);
  });

  it('looks at nbf on every hit, should the clock be set back', async () => {
    const { client } = await setUp({}, jwtAnswer(validJwt({ nbf: clock.now() })));
    await client.exchange('t');
    clock.advance(-6);
    expect(() => client.exchangeOrWait('t')).toThrow(bearer('ERR_NOT_YET_VALID'));
    clock.advance(6);
  });

  it('judges issuer and audience on hits as on misses', async () => {
    const policy = { issuer: 'https://as.test', audience: ['api', 'other'] };
    const good = await setUp(policy, jwtAnswer(validJwt({ iss: 'https://as.test', aud: ['x', 'api'] })));
    expect((await good.client.exchange('t')).claims.aud).toEqual(['x', 'api']);
    for (const [claims, code] of [
      [{ iss: 'https://evil.test', aud: 'api' }, 'ERR_WRONG_ISSUER'],
      [{ iss: 'https://as.test', aud: 'elsewhere' }, 'ERR_WRONG_AUDIENCE'],
      [{ iss: 'https://as.test' }, 'ERR_WRONG_AUDIENCE'],
    ] as const) {
      const { server, client } = await setUp(policy, jwtAnswer(validJwt(claims)));
      await expect(client.exchange('t')).rejects.toThrow(bearer(code));
      expect(() => client.exchangeOrWait('t')).toThrow(bearer(code));
      expect(server.calls).toHaveLength(1);
    }
  });

  it.each(['', 'x'.repeat(4097)])('refuses a token of %o without asking', async (token) => {
    const { server, client } = await setUp();
    await expect(client.exchange(token)).rejects.toThrow(expect.objectContaining({ status: 400 }));
    expect(server.calls).toHaveLength(0);
  });

  it('takes the longest token that is allowed', async () => {
    const { client } = await setUp();
    expect(await client.exchange('x'.repeat(4096))).toMatchObject({ source: 'introspection' });
  });

  it('gives results that nobody can change, and that show neither JWT nor claims', async () => {
    const { client } = await setUp();
    const token = await client.exchange('t');
    expect(Object.isFrozen(token) && Object.isFrozen(token.claims)).toBe(true);
    expect(inspect(token, { showHidden: true, depth: 9 }) + JSON.stringify(token)).not.toContain(
      token.jwt.slice(-20),
    );
    expect(inspect(client, { showHidden: true, depth: 9 })).not.toMatch(/sesame|c2VzYW1l/);
  });
});

describe('introspect', () => {
  it('gives what the server said', async () => {
    const { client, server } = await setUp();
    expect(await client.introspect('t')).toMatchObject({
      active: true,
      jwt: validJwt(),
      claims: expect.objectContaining({ sub: 's' }),
    });
    server.answer = statusAnswer(204);
    expect(await client.introspect('u')).toEqual({ active: false });
  });

  it('gives what nobody can change, and what shows neither JWT nor claims', async () => {
    const { client } = await setUp({}, jwtAnswer(validJwt({ sub: 'CANARY' })));
    const result = await client.introspect('t');
    expect(Object.isFrozen(result)).toBe(true);
    for (const shown of [inspect(result, { showHidden: true, getters: false }), JSON.stringify(result)]) {
      expect(shown).toContain('true');
      expect(shown).not.toContain('CANARY');
      expect(shown).not.toContain(validJwt({ sub: 'CANARY' }));
    }
  });

  it('says inactive of what has expired since', async () => {
    const { client } = await setUp({ now: clock.now });
    const entry: CacheEntry = {
      result: { active: true, jwt: 'a.b.c', claims: { exp: clock.now() } },
      expiresAt: clock.now() + 100,
    };
    const careless = await setUp({ cache: { ...memoryCache(), get: () => entry } });
    expect(await careless.client.introspect('t')).toEqual({ active: false });
    await expect(careless.client.exchange('t')).rejects.toThrow(bearer('ERR_EXPIRED'));
    expect(await client.introspect('t')).toMatchObject({ active: true });
  });
});

describe('what is stored', () => {
  it('follows Cache-Control, and warns once where that forbids reuse', async () => {
    const { server, client, events } = await setUp(
      {},
      jwtAnswer(validJwt(), { 'Cache-Control': 'no-store' }),
    );
    await client.exchange('t');
    await client.exchange('t');
    expect(server.calls).toHaveLength(2);
    const warnings = events.filter((event) => event.type === 'warning');
    expect(warnings).toEqual([
      expect.objectContaining({
        code: 'WARN_CACHE_FORBIDDEN',
        message: expect.stringContaining('obeyCacheControl: false'),
      }),
    ]);
    server.answer = jwtAnswer(validJwt(), { 'Cache-Control': 'max-age=30' });
    expect((await client.exchange('t')).expiresAt).toBe(clock.now() + 30);
    clock.advance(30);
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('does not follow Cache-Control where told so', async () => {
    const { client, events } = await setUp(
      { obeyCacheControl: false },
      jwtAnswer(validJwt(), { 'Cache-Control': 'no-store' }),
    );
    expect((await client.exchange('t')).expiresAt).toBe(clock.now() + 300);
    expect(await client.exchange('t')).toMatchObject({ source: 'memory' });
    expect(events.some((event) => event.type === 'warning')).toBe(false);
  });

  it('keeps no token that never expires unless told so', async () => {
    const forever = jwtAnswer(unsignedJwt({ sub: 's' }));
    const { server, client } = await setUp({}, forever);
    await client.exchange('t');
    await client.exchange('t');
    expect(server.calls).toHaveLength(2);
    const told = await setUp({ noExpiryTtlSeconds: 60 }, forever);
    await told.client.exchange('t');
    clock.advance(59);
    expect(await told.client.exchange('t')).toMatchObject({ source: 'memory' });
    clock.advance(1);
    expect(await told.client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('keeps inactive answers whatever Cache-Control says', async () => {
    const { server, client } = await setUp({}, statusAnswer(204, { 'Cache-Control': 'no-store' }));
    await client.introspect('t');
    await client.introspect('t');
    expect(server.calls).toHaveLength(1);
  });

  it('is nothing after UNKNOWN, and what was stored stays', async () => {
    const { server, client } = await setUp({}, statusAnswer(500));
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_STATUS'));
    server.answer = jwtAnswer(validJwt());
    await client.exchange('t');
    server.answer = statusAnswer(500);
    expect(await client.exchange('t')).toMatchObject({ source: 'memory' });
  });

  it('warns of dates that cannot be right, once each', async () => {
    const odd = { exp: clock.now() * 1000, iat: clock.now() + 3600 };
    const { client, events } = await setUp({}, jwtAnswer(unsignedJwt(odd)));
    expect((await client.exchange('t')).expiresAt).toBe(clock.now() + 300);
    await client.exchange('u');
    const codes = events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
    expect(codes).toEqual(['WARN_EXP_IN_MILLISECONDS', 'WARN_ISSUED_IN_THE_FUTURE']);
  });

  it.each([
    ['ahead of ours', 300, 30],
    ['behind ours', -300, 330],
    ['ours', 0, 330],
  ])('ends by the clock of a server that is %s', async (_where, aheadSeconds, lastsSeconds) => {
    const serverNow = clock.now() + aheadSeconds;
    const date = new Date(serverNow * 1000).toUTCString();
    const claims = { exp: clock.now() + 340 };
    const { client, events } = await setUp(
      { maxTtlSeconds: 3600 },
      jwtAnswer(unsignedJwt(claims), { Date: date }),
    );
    await client.exchange('t');
    expect(events).toContainEqual({ type: 'server_clock', aheadSeconds });
    const warnings = events.filter(({ type }) => type === 'warning');
    expect(warnings).toEqual(
      aheadSeconds === 0 ? [] : [expect.objectContaining({ code: 'WARN_CLOCK_SKEW' })],
    );
    clock.advance(lastsSeconds - 1);
    expect(await client.exchange('t')).toMatchObject({ source: 'memory' });
    clock.advance(1);
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('is nothing where the token has ended by the server’s clock, but the answer is used', async () => {
    const date = new Date((clock.now() + 300) * 1000).toUTCString();
    const answer = jwtAnswer(unsignedJwt({ exp: clock.now() + 200 }), { Date: date });
    const { server, client } = await setUp({}, answer);
    for (let turn = 1; turn <= 2; turn++) {
      expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
      expect(server.calls).toHaveLength(turn);
    }
  });

  it('does not depend on a Date that is none', async () => {
    const { client, events } = await setUp({}, jwtAnswer(validJwt(), { Date: 'soon' }));
    await client.exchange('t');
    expect(await client.exchange('t')).toMatchObject({ source: 'memory' });
    expect(events).not.toContainEqual(expect.objectContaining({ type: 'server_clock' }));
  });

  it('is kept apart for clients that share a cache and differ in anything that matters', async () => {
    const cache = memoryCache();
    const one = await setUp({ cache });
    await one.client.exchange('t');
    const other = createPhantomTokenClient({
      ...one.server.asked,
      clientAuth: clientSecretBasic('other', 'sesame'),
      cache,
      now: clock.now,
    });
    expect(await other.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(await other.exchange('t')).toMatchObject({ source: 'memory' });
  });
});

describe('a verifier', () => {
  it('judges once, before the answer is stored', async () => {
    const verify = vi.fn(async () => {});
    const { client } = await setUp({ verifyJwt: { context: 'test', verify } });
    await client.exchange('t');
    await client.exchange('t');
    expect(verify.mock.calls).toEqual([[validJwt(), clock.now()]]);
  });

  it('that refuses in its own words is UNKNOWN in ours', async () => {
    const verify = () => Promise.reject(new Error(`bad ${validJwt()}`));
    const { client } = await setUp({ verifyJwt: { context: 'test', verify } });
    const error = await client.exchange('t').catch((it) => it);
    expect(error).toEqual(unknown('ERR_JWT_VERIFICATION'));
    expect(inspect(error)).not.toContain(validJwt());
  });

  it('is not asked about inactive tokens', async () => {
    const verify = vi.fn(async () => {});
    const { client } = await setUp({ verifyJwt: { context: 'test', verify } }, statusAnswer(204));
    await client.introspect('t');
    expect(verify).not.toHaveBeenCalled();
  });
});

/** A shared tier in this process, behind promises. */
function sharedTier() {
  const entries = memoryCache();
  const cache: TokenCache = {
    get: async (key) => entries.get(key),
    set: async (key, entry) => entries.set(key, entry),
    delete: async (key) => entries.delete(key),
  };
  return cache;
}

describe('a shared tier', () => {
  it('serves a second instance, which then serves itself', async () => {
    const far = sharedTier();
    const { server, client } = await setUp({ cache: tieredCache(memoryCache(), far) });
    await client.exchange('t');
    const second = createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      now: clock.now,
      cache: tieredCache(memoryCache(), far),
    });
    expect(await second.exchange('t')).toMatchObject({ source: 'shared' });
    expect(await second.exchange('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(1);
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw Object.assign(new Error('SET key secret-jwt'), { code: 'OOM' });
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('secret-jwt'))],
    ['rejects with no error', () => Promise.reject('secret-jwt')],
  ])('that %s is a miss and an event without its words', async (_title, fail) => {
    const { server, client, events } = await setUp({ cache: { get: fail, set: fail, delete: fail } });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(2);
    const failures = events.filter((event) => event.type === 'cache_error');
    expect(failures.map(({ operation }) => operation)).toEqual(['get', 'set', 'get', 'set']);
    expect(
      failures.map(({ code }) => code).every((code) => ['OOM', 'RangeError', 'ERR_CACHE'].includes(code)),
    ).toBe(true);
    expect(JSON.stringify(events)).not.toContain('secret-jwt');
  });

  it('that hangs is a miss and an event', async () => {
    const never = () => new Promise<never>(() => {});
    const { client, events } = await setUp({
      cache: { get: never, set: never, delete: never },
    });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(events).toContainEqual({ type: 'cache_error', operation: 'get', code: 'ERR_TIMEOUT' });
  });

  it.each<[string, object | null]>([
    ['lost its deadline', { result: { active: true, jwt: 'j', claims: {} } }],
    [
      'has no number for a deadline',
      { result: { active: true, jwt: 'j', claims: {} }, expiresAt: Number.NaN },
    ],
    ['lost its result', { expiresAt: 9e9 }],
    ['lost its "active"', { result: { jwt: 'j', claims: {} }, expiresAt: 9e9 }],
    ['says "active" in words', { result: { active: 'true', jwt: 'j', claims: {} }, expiresAt: 9e9 }],
    ['lost its JWT', { result: { active: true, claims: {} }, expiresAt: 9e9 }],
    ['lost its claims', { result: { active: true, jwt: 'j', claims: null }, expiresAt: 9e9 }],
    ['is null', null],
  ])('whose entry %s is a miss', async (_title, entry) => {
    const cache = { ...memoryCache(), get: () => entry as CacheEntry };
    const { client } = await setUp({ cache });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection', jwt: validJwt() });
  });

  it('whose entry is past its deadline is a miss', async () => {
    const stale: CacheEntry = { result: { active: true, jwt: 'j', claims: {} }, expiresAt: clock.now() };
    const { client } = await setUp({ cache: { ...memoryCache(), get: async () => stale } });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });
});

describe('evict', () => {
  it('forgets here and in the shared tier', async () => {
    const far = sharedTier();
    const { server, client } = await setUp({ cache: tieredCache(memoryCache(), far) });
    await client.exchange('t');
    await client.evict('t');
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(2);
  });

  it('keeps what is in the air from being stored', async () => {
    const { server, client } = await setUp();
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      server.answer = (response, call) => {
        release = () => jwtAnswer(validJwt())(response, call);
        resolve();
      };
    });
    const inTheAir = client.exchange('t');
    await arrived;
    await client.evict('t');
    release();
    expect(await inTheAir).toMatchObject({ source: 'introspection' });
    server.answer = statusAnswer(204);
    await expect(client.exchange('t')).rejects.toThrow(bearer('ERR_INACTIVE'));
  });

  it('rejects when the cache could not', async () => {
    const { client } = await setUp({
      cache: { ...memoryCache(), delete: () => Promise.reject(new Error('down')) },
    });
    await expect(client.evict('t')).rejects.toThrow('down');
  });
});

describe('without a synchronous hash', () => {
  it('everything is as before, behind promises', async () => {
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
    vi.resetModules();
    onTestFinished(() => void vi.resetModules());
    const { createPhantomTokenClient: create } = await import('./client.js');
    const { server } = await setUp();
    const client = create({
      ...server.asked,
      clientAuth: clientSecretBasic('g', 's'),
      now: clock.now,
    });
    await client.exchange('t');
    const hit = client.exchangeOrWait('t');
    expect(hit).toBeInstanceOf(Promise);
    expect(await hit).toMatchObject({ source: 'memory' });
    await client.evict('t');
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });
});

describe('events', () => {
  it('tell why an introspection failed', async () => {
    const { server, client, events } = await setUp(
      {},
      statusAnswer(401, { 'WWW-Authenticate': 'Basic realm="as"' }),
    );
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_CREDENTIALS_REFUSED'));
    expect(events.at(-1)).toMatchObject({
      outcome: 'unknown',
      code: 'ERR_CREDENTIALS_REFUSED',
      level: 'error',
      serverStatus: 401,
    });
    server.answer = (response) => response.destroy();
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_UNREACHABLE'));
    expect(events.at(-1)).toMatchObject({ outcome: 'unknown', code: 'ERR_UNREACHABLE', level: 'warning' });
    expect(events.at(-1)).not.toHaveProperty('serverStatus');
  });

  it.each([
    [
      'at once',
      () => {
        throw new Error('metrics are down');
      },
    ],
    ['later', () => Promise.reject(new Error('metrics are down'))],
  ])('that fail %s do no harm', async (_when, onEvent) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const { client } = await setUp({ onEvent });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('need nobody to listen', async () => {
    const { server } = await setUp();
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('g', 's'),
    });
    server.answer = jwtAnswer(unsignedJwt({ exp: Date.now() / 1000 + 100 }), { 'Cache-Control': 'no-store' });
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    server.answer = statusAnswer(500);
    await expect(client.exchange('u')).rejects.toThrow(unknown('ERR_STATUS'));
  });

  it('tell of credentials that could not be made', async () => {
    const broken = {
      ...clientSecretBasic('g', 's'),
      authenticate: () => Promise.reject(new Error('no key')),
    };
    const { server, client, events } = await setUp({ clientAuth: broken });
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_CLIENT_AUTH'));
    expect(events.at(-1)).toMatchObject({ outcome: 'unknown', code: 'ERR_CLIENT_AUTH' });
    expect(server.calls).toHaveLength(0);
  });
});
