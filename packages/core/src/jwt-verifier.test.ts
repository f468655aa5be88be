import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { type JwtVerifierOptions, jwtVerifier } from './jwt-verifier.js';

const now = 1_800_000_000;
const issuer = 'https://as.test';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKey(kid?: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid && { kid }) } };
}

let first: Key;
let second: Key;
beforeAll(async () => {
  [first, second] = await Promise.all([makeKey('first'), makeKey('second')]);
});

const sign = (key: Key, claims: object = {}, header: object = {}) =>
  new SignJWT({ iss: issuer, aud: 'api', exp: now + 60, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...(key.jwk.kid && { kid: key.jwk.kid }), ...header })
    .sign(key.privateKey);

const make = (options: Partial<JwtVerifierOptions> = {}) =>
  jwtVerifier({ issuer, jwks: { keys: [first.jwk] }, ...options });
const refused = (reason = '') =>
  expect.objectContaining({
    name: 'IntrospectionError',
    code: 'ERR_JWT_VERIFICATION',
    status: 502,
    message: expect.stringContaining(reason),
  });

const unavailable = expect.objectContaining({
  name: 'IntrospectionError',
  code: 'ERR_KEYS_UNAVAILABLE',
  status: 502,
});

describe('jwtVerifier', () => {
  it('takes what is right in everything', async () => {
    await make({ audience: ['other', 'api'] }).verify(await sign(first), now);
    await make({ typ: ['JWT', 'application/at+jwt'] }).verify(await sign(first, {}, { typ: 'AT+JWT' }), now);
  });

  it.each<[string, object, object, Partial<JwtVerifierOptions>]>([
    ['issuer', { iss: 'https://evil.test' }, {}, {}],
    ['missing issuer', { iss: undefined }, {}, {}],
    ['audience', { aud: 'elsewhere' }, {}, { audience: 'api' }],
    ['expiry', { exp: now - 6 }, {}, {}],
    ['nbf', { nbf: now + 6 }, {}, {}],
    ['typ', {}, { typ: 'JWT' }, {}],
    ['missing typ', {}, { typ: undefined }, {}],
    ['algorithm', {}, {}, { algorithms: ['RS256'] }],
  ])('refuses a wrong %s', async (_title, claims, header, options) => {
    await expect(make(options).verify(await sign(first, claims, header), now)).rejects.toThrow(refused());
  });

  it('refuses a foreign signature, a changed payload and no signature', async () => {
    await expect(make().verify(await sign(second, {}, { kid: 'first' }), now)).rejects.toThrow(
      refused('SIGNATURE'),
    );
    const [header, , signature] = (await sign(first)).split('.');
    const payload = unsignedJwt({ iss: issuer, exp: now + 60, sub: 'admin' }).split('.')[1];
    await expect(make().verify(`${header}.${payload}.${signature}`, now)).rejects.toThrow(
      refused('SIGNATURE'),
    );
    await expect(
      make().verify(unsignedJwt({ iss: issuer }, { alg: 'none', typ: 'at+jwt' }), now),
    ).rejects.toThrow(refused());
  });

  it('refuses a shared-secret signature made with the public key', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(first.jwk));
    const forged = await new SignJWT({ iss: issuer, exp: now + 60 })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'first' })
      .sign(secret);
    await expect(make().verify(forged, now)).rejects.toThrow(refused());
  });

  it('names the claim that is wrong, and no value', async () => {
    const error = await make({ audience: 'api' })
      .verify(await sign(first, { aud: 'secret-aud' }), now)
      .catch((it) => it);
    expect(error.message).toContain('aud');
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain('secret-aud');
    expect(error.cause).toBeUndefined();
  });

  it('tries every key that fits where the JWT names none', async () => {
    const [one, two] = await Promise.all([makeKey(), makeKey()]);
    const verifier = make({ jwks: { keys: [one.jwk, two.jwk] } });
    await verifier.verify(await sign(one), now);
    await verifier.verify(await sign(two), now);
    await expect(verifier.verify(await sign(await makeKey()), now)).rejects.toThrow(refused('SIGNATURE'));
    await expect(verifier.verify(await sign(two, { iss: 'x' }), now)).rejects.toThrow(refused('iss'));
  });

  it.each<[string, object]>([
    ['issuer', { issuer: '' }],
    ['audience', { audience: [] }],
    ['typ', { typ: '' }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['algorithms', { algorithms: [] }],
    ['jwks', { jwks: undefined }],
    ['jwks', { jwksUri: 'https://as.test/jwks' }],
    ['jwks', { jwks: { keys: 'x' } }],
    ['jwksUri', { jwks: undefined, jwksUri: 'http://as.test/jwks' }],
    ['algorithm', { algorithm: 'RS256' }],
  ])('refuses a wrong option %s: %o', (name, wrong) => {
    expect(() => make(wrong)).toThrow(TypeError);
    expect(() => make(wrong)).toThrow(name);
  });
});

describe('keys that an issuer publishes', () => {
  async function setUp() {
    const server = await startServer(jsonAnswer({ keys: [first.jwk] }));
    const verifier = jwtVerifier({ issuer, jwksUri: server.endpoint });
    const verify = async (key: Key, at: number) => verifier.verify(await sign(key, { exp: at + 60 }), at);
    return { server, verify };
  }

  it('are fetched when first needed, once for all who need them', async () => {
    const { server, verify } = await setUp();
    expect(server.calls).toHaveLength(0);
    await Promise.all([verify(first, now), verify(first, now), verify(first, now)]);
    await verify(first, now + 599);
    expect(server.calls).toHaveLength(1);
  });

  it('are fetched again for an unknown key, at most once in 30 seconds', async () => {
    const { server, verify } = await setUp();
    await verify(first, now);
    server.answer = jsonAnswer({ keys: [first.jwk, second.jwk] });
    await expect(verify(second, now + 29)).rejects.toThrow(refused());
    expect(server.calls).toHaveLength(1);
    await Promise.all([verify(second, now + 30), verify(second, now + 30), verify(first, now + 30)]);
    expect(server.calls).toHaveLength(2);
    const stranger = await makeKey('stranger');
    for (let index = 0; index < 50; index++)
      await expect(verify(stranger, now + 60 + index / 100)).rejects.toThrow(refused());
    expect(server.calls).toHaveLength(3);
  });

  it('are renewed after ten minutes, and kept for an hour while that fails', async () => {
    const { server, verify } = await setUp();
    await verify(first, now);
    server.answer = statusAnswer(500);
    await verify(first, now + 600);
    await verify(first, now + 610);
    expect(server.calls).toHaveLength(2);
    await verify(first, now + 3599);
    await expect(verify(first, now + 3630)).rejects.toThrow(unavailable);
    server.answer = jsonAnswer({ keys: [first.jwk] });
    await verify(first, now + 3660);
  });

  it('are not said to lack one while they cannot be renewed', async () => {
    const { server, verify } = await setUp();
    await verify(first, now);
    server.answer = statusAnswer(500);
    await expect(verify(second, now + 30)).rejects.toThrow(unavailable);
    await expect(verify(second, now + 31)).rejects.toThrow(unavailable);
    await verify(first, now + 31);
    server.answer = jsonAnswer({ keys: [first.jwk] });
    await expect(verify(second, now + 60)).rejects.toThrow(refused('NO_MATCHING_KEY'));
    await expect(verify(second, now + 61)).rejects.toThrow(refused('NO_MATCHING_KEY'));
  });

  it('are asked for again a second after they could not be had at all', async () => {
    const { server, verify } = await setUp();
    server.answer = statusAnswer(500);
    await expect(verify(first, now)).rejects.toThrow(unavailable);
    await expect(verify(first, now + 0.5)).rejects.toThrow(unavailable);
    expect(server.calls).toHaveLength(1);
    server.answer = jsonAnswer({ keys: [first.jwk] });
    await verify(first, now + 1);
  });

  it.each<[string, Parameters<typeof jsonAnswer>[0] | string]>([
    ['HTML', '<html>'],
    ['nothing', ''],
    ['no set', { keys: 'x' }],
    ['an empty set', { keys: [] }],
    ['10 MB', 'x'.repeat(10_000_000)],
  ])('that are %s verify nothing', async (_title, body) => {
    const { server, verify } = await setUp();
    server.answer = (response) =>
      response.writeHead(200).end(typeof body === 'string' ? body : JSON.stringify(body));
    await expect(verify(first, now)).rejects.toThrow(
      expect.objectContaining({ name: 'IntrospectionError', status: 502 }),
    );
  });

  it('are asked for although the clock was set back', async () => {
    const { server, verify } = await setUp();
    await verify(first, now);
    server.answer = jsonAnswer({ keys: [second.jwk] });
    await verify(second, now - 7200);
  });

  it('come through a given fetch', async () => {
    const verifier = jwtVerifier({
      issuer,
      jwksUri: new URL('https://as.test/jwks'),
      fetch: async () => Response.json({ keys: [first.jwk] }),
    });
    await verifier.verify(await sign(first), now);
  });

  it('are not shared in the air where requests must not share I/O', async () => {
    const { vi } = await import('vitest');
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    const { server, verify } = await setUp();
    vi.unstubAllGlobals();
    await verify(first, now);
    await verify(first, now);
    expect(server.calls).toHaveLength(1);
  });
});
