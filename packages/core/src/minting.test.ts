import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  type JWK,
  jwtVerify,
} from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Claims } from './cache.js';
import { type JwtMinter, type JwtMinterOptions, jwtMinter } from './minting.js';
import type { PrivateKey } from './signing-key.js';

afterEach(() => void vi.useRealTimers());

const now = 1_800_000_000;
const lifetime = { now: now + 0.75, expiresAt: now + 300.75 };
const issuer = 'https://gateway.example';
const newKey = async (kid: string, alg = 'ES256') => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg } satisfies JWK;
};
const one = await newKey('one');
const two = await newKey('two', 'EdDSA');
const claims: Claims = {
  iss: 'https://as.example',
  sub: 'alice',
  aud: 'api',
  client_id: 'app',
  scope: 'read',
};

const mintedBy = async (minter: JwtMinter, more: Claims = {}, end = lifetime.expiresAt) =>
  minter.mint({ ...claims, ...more }, { now: lifetime.now, expiresAt: end });

/** Waits for what goes on behind our back, without the clock. */
async function until(isSo: () => boolean | Promise<boolean>) {
  const givesUpAt = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > givesUpAt) throw new Error('it did not come to pass');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const kidsOf = async (minter: JwtMinter) => (await minter.jwks()).keys.map(({ kid }) => kid).join();

const verify = async (jwt: string, minter: JwtMinter) =>
  jwtVerify(jwt, createLocalJWKSet(await minter.jwks()), {
    issuer,
    typ: 'at+jwt',
    currentDate: new Date(now * 1000),
    requiredClaims: ['aud', 'exp', 'iat', 'jti'],
  });

describe('a minted JWT', () => {
  it('says what the server said, in our name', async () => {
    const minter = jwtMinter({ issuer, keys: one });
    const { payload, protectedHeader } = await verify(await mintedBy(minter), minter);
    const { jti, ...others } = payload;
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'one' });
    expect(jti).toMatch(/^[\da-f-]{36}$/);
    expect(others).toEqual({
      iss: issuer,
      token_iss: 'https://as.example',
      sub: 'alice',
      aud: 'api',
      client_id: 'app',
      scope: 'read',
      iat: now,
      exp: now + 300,
    });
  });

  it('has all further members of the answer', async () => {
    const more = {
      username: 'Alice',
      cnf: { jkt: 'thumbprint' },
      nbf: now - 5,
      auth_time: now - 60,
      act: { sub: 'assistant' },
      groups: ['a', { b: null }],
      aud: ['api', 'other'],
      ...JSON.parse('{"__proto__": {"polluted": 1}}'),
    };
    const payload = decodeJwt(await mintedBy(jwtMinter({ issuer, keys: one }), more));
    expect(payload).toMatchObject(more);
    expect('polluted' in {}).toBe(false);
  });

  it('has none that is ours to say, and none that might hold the token', async () => {
    const jwt = await mintedBy(jwtMinter({ issuer, keys: one }), {
      active: true,
      token_type: 'Bearer',
      jti: 'OPAQUE',
      iat: 1,
      token_iss: 'https://evil.example',
      token: 'OPAQUE',
      access_token: 'OPAQUE',
      refresh_token: 'OPAQUE',
      id_token: 'OPAQUE',
      phantom_token: 'OPAQUE',
      jwt: 'OPAQUE',
    });
    const payload = decodeJwt(jwt);
    expect(JSON.stringify(payload)).not.toContain('OPAQUE');
    expect(Object.keys(payload).sort()).toEqual(
      ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub', 'token_iss'].sort(),
    );
    expect(payload).toMatchObject({ iss: issuer, iat: now, token_iss: 'https://as.example' });
  });

  it('makes up no subject, client or issuer where the server named none', async () => {
    const minter = jwtMinter({ issuer, keys: one });
    const payload = decodeJwt(await minter.mint({ aud: 'api', token_iss: 'x' }, lifetime));
    expect(Object.keys(payload).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti']);
  });

  it('never has the id of another one', async () => {
    const minter = jwtMinter({ issuer, keys: one });
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => decodeJwt(await mintedBy(minter)).jti),
    );
    expect(new Set(ids).size).toBe(50);
  });

  it.each<[what: string, exp: number | undefined, end: number, expected: number]>([
    ['its cache entry', now + 3600, now + 300, now + 300],
    ['the token', now + 100, now + 300, now + 100],
    ['its cache entry, where the token has no end', undefined, now + 300, now + 300],
    ['the whole second before', now + 3600, now + 300.999, now + 300],
  ])('ends with %s', async (_what, exp, end, expected) => {
    const more = exp === undefined ? {} : { exp };
    expect(decodeJwt(await mintedBy(jwtMinter({ issuer, keys: one }), more, end)).exp).toBe(expected);
  });

  it.each([
    ['has ended', {}, now],
    ['ends within this second', {}, now + 0.9],
    ['is for a token that has ended', { exp: now - 1 }, now + 300],
    ['has no end', {}, Number.POSITIVE_INFINITY],
    ['ends at no number', {}, Number.NaN],
  ])('is not made where it %s', async (_what, more, end) => {
    const minted = mintedBy(jwtMinter({ issuer, keys: one }), more, end);
    await expect(minted).rejects.toMatchObject({ code: 'ERR_MINTING', status: 502 });
  });

  it.each<[what: string, audience: string | string[] | undefined, aud: Claims['aud'], expected: unknown]>([
    ['whom the token names', undefined, ['a', 'b'], ['a', 'b']],
    ['whom we name', 'ours', 'theirs', 'ours'],
    ['all whom we name', ['ours', 'too'], undefined, ['ours', 'too']],
  ])('is for %s', async (_what, audience, aud, expected) => {
    const minter = jwtMinter({ issuer, keys: one, ...(audience && { audience }) });
    const { aud: _aud, ...others } = claims;
    const jwt = await minter.mint({ ...others, ...(aud && { aud }) }, lifetime);
    expect(decodeJwt(jwt).aud).toEqual(expected);
  });

  it('is not made where nobody names an audience', async () => {
    const { aud: _, ...others } = claims;
    const minted = jwtMinter({ issuer, keys: one }).mint(others, lifetime);
    await expect(minted).rejects.toThrow(/set audience/);
    await expect(minted).rejects.toMatchObject({ code: 'ERR_MINTING', status: 502 });
  });

  it('has the type and the algorithm that are asked for', async () => {
    const keys = await exportPKCS8((await generateKeyPair('RS256', { extractable: true })).privateKey);
    const minter = jwtMinter({ issuer, keys, typ: 'JWT', algorithm: 'PS256' });
    expect(decodeProtectedHeader(await mintedBy(minter))).toMatchObject({ alg: 'PS256', typ: 'JWT' });
    expect((await minter.jwks()).keys[0]?.alg).toBe('PS256');
  });
});

describe('keys', () => {
  it('are all published, and the first one signs', async () => {
    const minter = jwtMinter({ issuer, keys: [two, one] });
    expect((await minter.jwks()).keys.map(({ kid }) => kid)).toEqual(['two', 'one']);
    expect(decodeProtectedHeader(await mintedBy(minter)).kid).toBe('two');
  });

  it('are asked for at first use, once for all who wait', async () => {
    const keys = vi.fn(async () => one);
    const minter = jwtMinter({ issuer, keys });
    expect(keys).not.toHaveBeenCalled();
    await Promise.all([mintedBy(minter), mintedBy(minter), minter.jwks()]);
    await mintedBy(minter);
    expect(keys).toHaveBeenCalledTimes(1);
  });

  it('that stand are read once', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { d, ...open } = one;
    const read = vi.fn(() => d);
    const minter = jwtMinter({
      issuer,
      keys: Object.defineProperty({ ...open }, 'd', { get: read, enumerable: true }),
    });
    await mintedBy(minter);
    const times = read.mock.calls.length;
    vi.advanceTimersByTime(3_600_000);
    await mintedBy(minter);
    await minter.jwks();
    expect(read).toHaveBeenCalledTimes(times);
  });

  it('rotate with nothing refused and nobody waiting', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let given: readonly PrivateKey[] = [one];
    let answer = Promise.resolve();
    const keys = vi.fn(async () => answer.then(() => given));
    const minter = jwtMinter({ issuer, keys });
    const before = await mintedBy(minter);
    const turn = async (next: readonly PrivateKey[]) => {
      given = next;
      const asked = keys.mock.calls.length;
      vi.advanceTimersByTime(59_999);
      await mintedBy(minter);
      expect(keys).toHaveBeenCalledTimes(asked);
      vi.advanceTimersByTime(1);
      let open = () => {};
      answer = new Promise((resolve) => {
        open = resolve;
      });
      // the function has not answered, and all goes on
      const meanwhile = await mintedBy(minter);
      await verify(meanwhile, minter);
      expect(keys).toHaveBeenCalledTimes(asked + 1);
      open();
      const kids = next.map((key) => (key as JWK).kid).join();
      await until(async () => (await kidsOf(minter)) === kids);
    };
    await turn([one, two]);
    expect(decodeProtectedHeader(await mintedBy(minter)).kid).toBe('one');
    await turn([two, one]);
    const after = await mintedBy(minter);
    expect(decodeProtectedHeader(after).kid).toBe('two');
    await verify(before, minter);
    await verify(after, minter);
    await turn([two]);
    await verify(after, minter);
    await expect(verify(before, minter)).rejects.toThrow();
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the vault is closed');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('the vault is closed');
      },
    ],
    ['gives no key', () => undefined],
    ['gives an empty list', () => []],
    ['gives a secret', () => 'a secret'],
    ['gives two keys of one name', () => [one, { ...two, kid: 'one' }]],
    ['gives a good key and a bad one', () => [one, 'a secret']],
  ])('stay in use where the function %s', async (_what, fail) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const keys = vi.fn<() => unknown>(() => one);
    const minter = jwtMinter({ issuer, keys: keys as never, keysReloadSeconds: 10 });
    await mintedBy(minter);
    for (const round of [1, 2]) {
      keys.mockImplementationOnce(fail);
      vi.advanceTimersByTime(10_000);
      await verify(await mintedBy(minter), minter);
      await until(() => keys.mock.calls.length === 1 + round);
    }
    await verify(await mintedBy(minter), minter);
  });

  it('are those of the last question, whichever answer comes last', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const answers: ((key: PrivateKey) => void)[] = [];
    const keys = vi.fn(
      () =>
        new Promise<PrivateKey>((resolve) => {
          answers.push(resolve);
        }),
    );
    const minter = jwtMinter({ issuer, keys });
    const first = minter.jwks();
    await until(() => answers.length === 1);
    answers[0]?.(one);
    await first;
    for (const _question of [1, 2]) {
      vi.advanceTimersByTime(60_000);
      await minter.jwks();
    }
    answers[2]?.(two);
    await until(async () => (await kidsOf(minter)) === 'two');
    answers[1]?.(one);
    // no less work than the late answer makes
    for (const _turn of Array(10))
      await verify(await mintedBy(jwtMinter({ issuer, keys: one })), minter).catch(() => {});
    expect(await kidsOf(minter)).toBe('two');
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the vault is closed');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('the vault is closed');
      },
    ],
    ['gives no key', () => undefined],
    ['gives a secret', () => 'the vault'],
    ['gives two keys of one name', () => [one, { ...two, kid: 'one' }]],
  ])('are our failure where the function %s at first, and are asked for again', async (_what, fail) => {
    const keys = vi.fn<() => unknown>(() => one).mockImplementationOnce(fail);
    const minter = jwtMinter({ issuer, keys: keys as never });
    const error = await mintedBy(minter).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'IntrospectionError', code: 'ERR_MINTING', status: 502 });
    expect((error as Error).message).not.toContain('vault');
    await verify(await mintedBy(minter), minter);
  });

  it('are our failure where the function does not answer in 5 s', async () => {
    vi.useFakeTimers();
    const keys = vi.fn(() => new Promise<never>(() => {}));
    const minter = jwtMinter({ issuer, keys });
    const failed = expect(minter.jwks()).rejects.toMatchObject({ code: 'ERR_MINTING' });
    await vi.advanceTimersByTimeAsync(5000);
    await failed;
    keys.mockImplementationOnce(async () => one as never);
    vi.useRealTimers();
    expect((await minter.jwks()).keys).toHaveLength(1);
  });

  it('are our failure where they turn out to be too small', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    const keys = small.export({ type: 'pkcs8', format: 'pem' }) as string;
    await expect(mintedBy(jwtMinter({ issuer, keys }))).rejects.toThrow(/2048 bits/);
  });

  it('are read by each request for itself on runtimes where requests share no I/O', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    const keys = vi.fn(async () => one);
    const minter = jwtMinter({ issuer, keys });
    await Promise.all([mintedBy(minter), mintedBy(minter)]);
    expect(keys).toHaveBeenCalledTimes(2);
    await mintedBy(minter);
    expect(keys).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });
});

describe('a minter', () => {
  it('shows no private key to whoever looks at it, or at what it publishes', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      format: 'jwk',
    }) as JWK;
    const minter = jwtMinter({ issuer, keys: [rsa, one, two] });
    await mintedBy(minter);
    const shown = [
      inspect(minter, { showHidden: true, depth: 9 }),
      JSON.stringify(minter),
      JSON.stringify(await minter.jwks()),
      minter.context,
    ].join();
    for (const key of [rsa, one, two] as readonly JWK[])
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const)
        if (key[name] !== undefined) expect(shown).not.toContain(key[name]);
    const members = (await minter.jwks()).keys.flatMap(Object.keys);
    expect([...new Set(members)].sort()).toEqual(['alg', 'crv', 'e', 'kid', 'kty', 'n', 'use', 'x', 'y']);
  });

  it('publishes nothing that can be changed', async () => {
    const minter = jwtMinter({ issuer, keys: one });
    Reflect.set((await minter.jwks()).keys[0] as object, 'kid', 'other');
    Reflect.set((await minter.jwks()).keys, '0', undefined);
    await verify(await mintedBy(minter), minter);
  });

  it.each<[string, Partial<JwtMinterOptions>]>([
    ['issuer', { issuer: 'https://other.example' }],
    ['audience', { audience: 'ours' }],
    ['typ', { typ: 'JWT' }],
    ['algorithm', { algorithm: 'ES256' }],
    ['requireTokenType', { requireTokenType: false }],
  ])('has another context with another %s', (_name, options) => {
    expect(jwtMinter({ issuer, keys: one, ...options }).context).not.toBe(
      jwtMinter({ issuer, keys: one }).context,
    );
  });

  it('has the same context with other keys, since they rotate', () => {
    const contexts = [one, [one, two], () => two].map((keys) => jwtMinter({ issuer, keys }).context);
    expect(new Set(contexts).size).toBe(1);
  });

  it('wants a token type unless told otherwise', () => {
    expect(jwtMinter({ issuer, keys: one }).requireTokenType).toBe(true);
    expect(jwtMinter({ issuer, keys: one, requireTokenType: false }).requireTokenType).toBe(false);
  });

  it.each<[name: string, options: object]>([
    ['issuer', { issuer: undefined }],
    ['issuer', { issuer: 'gateway' }],
    ['issuer', { issuer: 'http://gateway.example' }],
    ['issuer', { issuer: 'https://gateway.example?tenant=1' }],
    ['issuer', { issuer: 'https://gateway.example#here' }],
    ['keys', { keys: undefined }],
    ['keys must have at least one', { keys: [] }],
    ['keys', { keys: 'a secret of no less than thirty-two bytes' }],
    ['keys', { keys: { kty: 'oct', k: 'c2VjcmV0' } }],
    ['keys', { keys: [one, { ...one, d: undefined }] }],
    ['keys', { keys: new Uint8Array(32) }],
    ['keys', { keys: generateKeyPairSync('ed25519').publicKey }],
    ['algorithm', { algorithm: 'HS256' }],
    ['algorithm', { algorithm: 'none' }],
    ['audience', { audience: '' }],
    ['audience', { audience: [] }],
    ['typ', { typ: '' }],
    ['requireTokenType', { requireTokenType: 'no' }],
    ['keysReloadSeconds', { keysReloadSeconds: 0 }],
    ['key', { key: one }],
  ])('refuses a wrong %s: %#', (name, options) => {
    const make = () => jwtMinter({ issuer, keys: one, ...options } as JwtMinterOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
