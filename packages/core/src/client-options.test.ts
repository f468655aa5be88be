import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic, clientSecretPost } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import { jwtVerifier } from './jwt-verifier.js';
import { memoryCache } from './memory-cache.js';
import { jwtMinter } from './minting.js';
import { cacheContext, resolveClientOptions } from './resolved-client-options.js';
import { responseVerifier } from './response-verifier.js';
import { localRevocations } from './revocation-channel.js';

const base: PhantomTokenClientOptions = {
  introspectionEndpoint: 'https://login.example.com/introspect',
  clientAuth: clientSecretBasic('gateway', 'secret'),
};

describe('the options of the client', () => {
  it.each([
    'https://login.example.com/introspect',
    new URL('https://login.example.com/introspect'),
    'http://localhost/i',
    'http://as.localhost:8080/i',
    'http://127.0.0.1:8080/i',
    'http://127.9.8.7/i',
    'http://[::1]:8080/i',
  ])('take the endpoint %s', (introspectionEndpoint) =>
    expect(() => createPhantomTokenClient({ ...base, introspectionEndpoint })).not.toThrow(),
  );

  it('take http: elsewhere only where that was asked for', () => {
    const options = { ...base, introspectionEndpoint: 'http://login.example.com/i' };
    expect(() => createPhantomTokenClient(options)).toThrow(/introspectionEndpoint.*https/);
    expect(() => createPhantomTokenClient({ ...options, allowInsecureRequests: true })).not.toThrow();
  });

  it('take what discover found', () =>
    expect(() =>
      createPhantomTokenClient({ ...base, issuer: 'https://login.example.com', jwksUri: undefined }),
    ).not.toThrow());

  it.each<[string, object]>([
    ['introspectionEndpoint', { introspectionEndpoint: undefined }],
    ['introspectionEndpoint', { introspectionEndpoint: '' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'login.example.com' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'ftp://login.example.com' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'http://localhost.evil.com/' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'http://127.0.0.1.evil.com/' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'https://u:p@login.example.com/' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'https://u@login.example.com/' }],
    ['introspectionEndpoint', { introspectionEndpoint: 'https://login.example.com/#x' }],
    ['clientAuth', { clientAuth: undefined }],
    ['clientAuth', { clientAuth: { clientId: 'x', clientSecret: 'y' } }],
    ['issuer', { issuer: '' }],
    ['audience', { audience: [] }],
    ['audience', { audience: [''] }],
    ['audience', { audience: 7 }],
    ['accept', { accept: 'text/plain' }],
    ['jwtMembers', { jwtMembers: [] }],
    ['jwtMembers', { jwtMembers: 'jwt' }],
    ['jwtMembers', { jwtMembers: null }],
    ['extraParameters', { extraParameters: 'a=b' }],
    ['extraParameters', { extraParameters: null }],
    ['extraParameters', { extraParameters: { token: 'x' } }],
    ['extraParameters.resource', { extraParameters: { resource: 7 } }],
    ['verifyJwt', { verifyJwt: () => {} }],
    ['verifyJwt', { verifyJwt: null }],
    ['verifyJwt', { verifyJwt: { verify() {} } }],
    ['verifyResponse', { verifyResponse: { context: '', verify() {} } }],
    ['verifyResponse', { accept: 'application/token-introspection+jwt' }],
    ['verifyResponse', { accept: 'application/token-introspection+jwt', verifyResponse: { verify() {} } }],
    ['verifyResponse', { accept: 'application/token-introspection+jwt', verifyResponse: null }],
    ['mintJwt', { mintJwt: { context: '' } }],
    ['mintJwt', { mintJwt: null }],
    ['cache', { cache: {} }],
    ['cache', { cache: null }],
    ['cache', { cache: 'memory' }],
    ['cacheTimeoutSeconds', { cacheTimeoutSeconds: 0 }],
    ['cacheTimeoutSeconds', { cacheTimeoutSeconds: 2_147_484 }],
    ['maxTtlSeconds', { maxTtlSeconds: -1 }],
    ['maxTtlSeconds', { maxTtlSeconds: Number.POSITIVE_INFINITY }],
    ['maxTtlSeconds', { maxTtlSeconds: '300' }],
    ['earlyExpirySeconds', { earlyExpirySeconds: -1 }],
    ['inactiveTtlSeconds', { inactiveTtlSeconds: Number.NaN }],
    ['noExpiryTtlSeconds', { noExpiryTtlSeconds: -0.1 }],
    ['refreshAhead', { refreshAhead: -0.1 }],
    ['refreshAhead', { refreshAhead: 0.91 }],
    ['refreshAhead', { refreshAhead: Number.NaN }],
    ['refreshAhead', { refreshAhead: true }],
    ['staleIfErrorSeconds', { staleIfErrorSeconds: -1 }],
    ['staleIfErrorSeconds', { staleIfErrorSeconds: 301 }],
    ['revocations', { revocations: null }],
    ['revocations', { revocations: { publish() {} } }],
    ['revocations', { revocations: { subscribe() {} } }],
    ['obeyCacheControl', { obeyCacheControl: 'no' }],
    ['badRequestMeansInactive', { badRequestMeansInactive: 1 }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
    ['timeoutSeconds', { timeoutSeconds: 2_147_484 }],
    ['maxResponseBytes', { maxResponseBytes: 0 }],
    ['maxTokenLength', { maxTokenLength: 1.5 }],
    ['maxConcurrentIntrospections', { maxConcurrentIntrospections: 0 }],
    ['maxQueuedIntrospections', { maxQueuedIntrospections: -1 }],
    ['maxWaiters', { maxWaiters: -1 }],
    ['fetch', { fetch: 'fetch' }],
    ['fetch', { fetch: null }],
    ['now', { now: 1_800_000_000 }],
    ...[[], null, false, 0, ''].map((onEvent): [string, object] => ['onEvent', { onEvent }]),
    ['allowInsecureRequests', { allowInsecureRequests: 'yes' }],
    ['maxTtl', { maxTtl: 300 }],
    ['keyBuilder', { keyBuilder: () => 'k' }],
  ])('refuse a wrong %s: %o', (name, wrong) => {
    const make = () => createPhantomTokenClient({ ...base, ...wrong } as PhantomTokenClientOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });

  it.each([undefined, null, 'options'])('refuse %j', (options) =>
    expect(() => createPhantomTokenClient(options as unknown as PhantomTokenClientOptions)).toThrow(
      TypeError,
    ),
  );
});

describe('the context of the cache key', () => {
  const jwks = { keys: [] };
  // every option, so that a new one does not compile until it is decided whether entries depend on it
  const changed: {
    readonly [Name in keyof Required<PhantomTokenClientOptions>]: readonly [
      boolean,
      PhantomTokenClientOptions[Name],
    ];
  } = {
    introspectionEndpoint: [true, 'https://other.example.com/introspect'],
    clientAuth: [true, clientSecretBasic('other', 'secret')],
    issuer: [true, 'https://login.example.com'],
    audience: [true, 'api'],
    accept: [true, 'application/json'],
    jwtMembers: [true, ['jwt', 'phantom_token']],
    extraParameters: [true, { resource: 'x' }],
    verifyJwt: [true, jwtVerifier({ issuer: 'i', jwks })],
    verifyResponse: [true, responseVerifier({ issuer: 'i', jwks })],
    mintJwt: [true, jwtMinter({ issuer: 'https://gateway.example.com', keys: () => '', audience: 'api' })],
    cache: [false, memoryCache()],
    cacheTimeoutSeconds: [false, 0.1],
    maxTtlSeconds: [true, 299],
    earlyExpirySeconds: [true, 9],
    inactiveTtlSeconds: [true, 4],
    noExpiryTtlSeconds: [true, 1],
    refreshAhead: [false, 0.5],
    staleIfErrorSeconds: [true, 60],
    revocations: [false, localRevocations()],
    obeyCacheControl: [true, false],
    badRequestMeansInactive: [true, true],
    timeoutSeconds: [false, 1],
    maxResponseBytes: [false, 1],
    maxTokenLength: [false, 1],
    maxConcurrentIntrospections: [false, 1],
    maxQueuedIntrospections: [false, 1],
    maxWaiters: [false, 1],
    breakerFailures: [false, 3],
    fetch: [false, fetch],
    now: [false, () => 0],
    onEvent: [false, () => {}],
    jwksUri: [false, 'https://login.example.com/jwks'],
    allowInsecureRequests: [false, true],
  };
  const contextOf = (options: object) => {
    const signed = 'verifyResponse' in options && { accept: 'application/token-introspection+jwt' as const };
    return cacheContext(resolveClientOptions({ ...base, ...options, ...signed }));
  };

  it.each(Object.entries(changed))('%s changes it or not, as it should', (name, [changes, value]) => {
    expect(JSON.stringify(contextOf({ [name]: value })) !== JSON.stringify(contextOf({}))).toBe(changes);
  });

  it('changes with every set of options that differs from another in what an answer rests on', () => {
    const names = Object.keys(changed) as (keyof typeof changed)[];
    const chosen = fc.subarray(names);
    const keyOf = (set: readonly (keyof typeof changed)[]) =>
      JSON.stringify(contextOf(Object.fromEntries(set.map((name) => [name, changed[name][1]]))));
    // verifyResponse brings its own accept
    const parts = (set: readonly (keyof typeof changed)[]) =>
      set.filter((name) => changed[name][0] && !(name === 'accept' && set.includes('verifyResponse'))).join();
    fc.assert(
      fc.property(chosen, chosen, (one, other) => {
        expect(keyOf(one) === keyOf(other)).toBe(parts(one) === parts(other));
      }),
    );
  });

  it('tells verifiers and ways of authentication apart', () => {
    const verifier = (more: object) => contextOf({ verifyJwt: jwtVerifier({ issuer: 'i', jwks, ...more }) });
    expect(verifier({ audience: 'a' })).not.toEqual(verifier({}));
    expect(verifier({ typ: 'JWT' })).not.toEqual(verifier({}));
    expect(verifier({ algorithms: ['ES256'] })).not.toEqual(verifier({}));
    expect(contextOf({ clientAuth: clientSecretPost('gateway', 'secret') })).not.toEqual(contextOf({}));
  });

  it('does not depend on the order of extra parameters', () =>
    expect(contextOf({ extraParameters: { a: '1', b: '2' } })).toEqual(
      contextOf({ extraParameters: { b: '2', a: '1' } }),
    ));

  it('holds no secret', () =>
    expect(contextOf({ clientAuth: clientSecretBasic('id', 'sesame') }).join()).not.toContain('sesame'));
});
