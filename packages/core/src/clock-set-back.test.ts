import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import { createAuthorizer } from './authorize.js';
import type { CacheEntry } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import { jwtVerifier } from './jwt-verifier.js';
import { memoryCache } from './memory-cache.js';

async function setUp(options: Partial<PhantomTokenClientOptions> = {}) {
  const clock = createClock();
  const server = await startServer(jwtAnswer(unsignedJwt({ exp: clock.now() + 36_000 })));
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    now: clock.now,
    ...options,
  });
  const source = async () => (await client.exchange('t')).source;
  return { clock, server, client, source };
}

const hour = 3600;

describe('when the clock is set back', () => {
  it('by much, the server is asked again: what memory has would last for longer than its time', async () => {
    const { clock, source } = await setUp();
    await source();
    clock.advance(-hour);
    expect(await source()).toBe('introspection');
    expect(await source()).toBe('memory');
  });

  it('by no more than clocks are corrected by, memory is used', async () => {
    const { clock, source } = await setUp();
    await source();
    clock.advance(-60);
    expect(await source()).toBe('memory');
  });

  it('what another tier has is no better', async () => {
    const entries = memoryCache();
    const cache = {
      get: async (key: string) => entries.get(key),
      set: async (key: string, entry: CacheEntry) => entries.set(key, entry),
      delete: async (key: string) => entries.delete(key),
    };
    const { clock, source } = await setUp({ cache });
    await source();
    expect(await source()).toBe('shared');
    clock.advance(-hour);
    expect(await source()).toBe('introspection');
  });

  it('nothing from before stands in for an answer', async () => {
    const { clock, server, source } = await setUp({ staleIfErrorSeconds: 60 });
    await source();
    server.answer = statusAnswer(500);
    clock.advance(300);
    expect(await source()).toBe('stale');
    clock.advance(-hour);
    await expect(source()).rejects.toMatchObject({ code: 'ERR_STATUS' });
  });

  it('an accepted JWT is verified again', async () => {
    const { clock, client } = await setUp();
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwt = await new SignJWT({ iss: 'https://as.test', exp: clock.now() + 36_000 })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .sign(privateKey);
    const acceptJwts = jwtVerifier({
      issuer: 'https://as.test',
      jwks: { keys: [await exportJWK(publicKey)] },
    });
    const authorizer = createAuthorizer({ client, acceptJwts, now: clock.now });
    const accepted = async () =>
      (await authorizer.authorize({ method: 'GET', url: '/', authorization: `Bearer ${jwt}` })).source;
    await accepted();
    expect(await accepted()).toBe('memory');
    clock.advance(-hour);
    expect(await accepted()).toBe('verification');
  });
});
