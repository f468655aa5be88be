import { describe, expect, it } from 'vitest';
import { challenge } from './challenge.js';
import { BearerError, IntrospectionError } from './errors.js';

const options = {
  realm: 'my api',
  requiredScopes: ['read', 'write'],
  resourceMetadata: 'https://api.test/.well-known/oauth-protected-resource',
};
const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource"';

describe('challenge', () => {
  it('is bare where no credentials were sent', () => {
    expect(challenge(new BearerError('ERR_NO_TOKEN'))).toEqual({
      status: 401,
      headers: {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        'WWW-Authenticate': 'Bearer realm="api"',
      },
      body: '{"error_description":"no bearer token was sent"}',
    });
    expect(challenge(new BearerError('ERR_NO_TOKEN'), options).headers['WWW-Authenticate']).toBe(
      `Bearer realm="my api", scope="read write", ${metadata}`,
    );
  });

  it.each([
    ['ERR_MULTIPLE_TOKENS', 400, 'invalid_request'],
    ['ERR_MALFORMED_TOKEN', 400, 'invalid_request'],
    ['ERR_TOKEN_TOO_LONG', 400, 'invalid_request'],
    ['ERR_INACTIVE', 401, 'invalid_token'],
    ['ERR_EXPIRED', 401, 'invalid_token'],
    ['ERR_NOT_YET_VALID', 401, 'invalid_token'],
    ['ERR_WRONG_ISSUER', 401, 'invalid_token'],
    ['ERR_WRONG_AUDIENCE', 401, 'invalid_token'],
    ['ERR_SENDER_CONSTRAINED', 401, 'invalid_token'],
    ['ERR_INSUFFICIENT_SCOPE', 403, 'insufficient_scope'],
  ] as const)('of %s is %i %s', (code, status, error) => {
    const { headers, body, ...rest } = challenge(new BearerError(code));
    expect(rest.status).toBe(status);
    expect(headers['WWW-Authenticate']).toMatch(
      new RegExp(`^Bearer realm="api", error="${error}", error_description="[a-z -]+"$`),
    );
    expect(JSON.parse(body)).toEqual({ error, error_description: expect.any(String) });
  });

  it('does not tell apart why a token is no good', () => {
    const [first, ...others] = (['ERR_INACTIVE', 'ERR_EXPIRED', 'ERR_NOT_YET_VALID'] as const).map((code) =>
      challenge(new BearerError(code)),
    );
    for (const other of others) expect(other).toEqual(first);
  });

  it('names the scope where one is missing, and the order is fixed', () => {
    expect(challenge(new BearerError('ERR_INSUFFICIENT_SCOPE'), options).headers['WWW-Authenticate']).toBe(
      `Bearer realm="my api", error="insufficient_scope", error_description="the token lacks a required scope", scope="read write", ${metadata}`,
    );
    expect(challenge(new BearerError('ERR_INACTIVE'), options).headers['WWW-Authenticate']).not.toContain(
      'scope=',
    );
  });

  it.each([
    [new IntrospectionError('ERR_STATUS', 'm'), 502, 'server_error', undefined],
    [new IntrospectionError('ERR_TIMEOUT', 'm', { status: 504 }), 504, 'temporarily_unavailable', undefined],
    [
      new IntrospectionError('ERR_UNAVAILABLE', 'm', { status: 503, retryAfterSeconds: 7 }),
      503,
      'temporarily_unavailable',
      '7',
    ],
  ])('of an UNKNOWN outcome names no scheme: %s', (error, status, code, retryAfter) => {
    const { headers, body, ...rest } = challenge(error, options);
    expect(rest.status).toBe(status);
    expect(headers).toEqual({
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      ...(retryAfter && { 'Retry-After': retryAfter }),
    });
    expect(JSON.parse(body)).toEqual({ error: code, error_description: expect.any(String) });
    expect(body).not.toContain('"m"');
  });

  it('refuses options that do not fit into a header', () =>
    expect(() => challenge(new BearerError('ERR_NO_TOKEN'), { realm: '"' })).toThrow(TypeError));
});

describe('the challenge of an API that takes DPoP', () => {
  const dpop = { algorithms: ['ES256', 'PS256'] };
  const fieldOf = (error: BearerError, wanted: object = { dpop }, scheme?: 'Bearer' | 'DPoP') =>
    challenge(error, wanted, scheme).headers['WWW-Authenticate'];

  it('names both schemes where no credentials were sent, with no error in either', () => {
    expect(fieldOf(new BearerError('ERR_NO_TOKEN'))).toBe(
      'Bearer realm="api", DPoP realm="api", algs="ES256 PS256"',
    );
    expect(fieldOf(new BearerError('ERR_NO_TOKEN'), { ...options, dpop })).toBe(
      `Bearer realm="my api", scope="read write", ${metadata}, DPoP realm="my api", scope="read write", ${metadata}, algs="ES256 PS256"`,
    );
  });

  it.each(['ERR_NO_TOKEN', 'ERR_INACTIVE', 'ERR_MALFORMED_TOKEN'] as const)(
    'names DPoP alone for %s where nothing else is taken',
    (code) => {
      const field = fieldOf(new BearerError(code), { dpop: { ...dpop, required: true } });
      expect(field).toMatch(/^DPoP realm="api", .*algs="ES256 PS256"$/);
      expect(field).not.toContain('Bearer');
    },
  );

  it.each(['Bearer', 'DPoP'] as const)('tells errors by the scheme that was tried: %s', (scheme) => {
    const algs = scheme === 'DPoP' ? ', algs="ES256 PS256"' : '';
    expect(fieldOf(new BearerError('ERR_INACTIVE'), { dpop }, scheme)).toBe(
      `${scheme} realm="api", error="invalid_token", error_description="the token is not active"${algs}`,
    );
    expect(fieldOf(new BearerError('ERR_INSUFFICIENT_SCOPE'), { ...options, dpop }, scheme)).toBe(
      `${scheme} realm="my api", error="insufficient_scope", error_description="the token lacks a required scope", scope="read write", ${metadata}${algs}`,
    );
  });

  it('speaks of Bearer, where DPoP is not offered, to a client that tried it', () =>
    expect(fieldOf(new BearerError('ERR_NO_TOKEN'), {}, 'DPoP')).toBe('Bearer realm="api"'));

  it.each([
    ['ERR_DPOP_MISSING', 'invalid_token'],
    ['ERR_DPOP_KEY', 'invalid_token'],
    ['ERR_DPOP_PROOF', 'invalid_dpop_proof'],
    ['ERR_DPOP_REPLAYED', 'invalid_dpop_proof'],
    ['ERR_DPOP_NONCE', 'use_dpop_nonce'],
  ] as const)('of %s is 401 %s by DPoP, whatever was tried', (code, error) => {
    const { status, headers, body } = challenge(new BearerError(code), { dpop });
    expect(status).toBe(401);
    expect(headers['WWW-Authenticate']).toMatch(
      new RegExp(`^DPoP realm="api", error="${error}", error_description="[A-Za-z -]+", algs="ES256 PS256"$`),
    );
    expect(headers).not.toHaveProperty('DPoP-Nonce');
    expect(JSON.parse(body)).toEqual({ error, error_description: expect.any(String) });
  });

  it('names the part of a proof that is wrong', () => {
    const { headers, body } = challenge(new BearerError('ERR_DPOP_PROOF', { fault: 'htu' }), { dpop });
    expect(headers['WWW-Authenticate']).toContain('error_description="the DPoP proof is invalid: htu"');
    expect(JSON.parse(body).error_description).toBe('the DPoP proof is invalid: htu');
  });

  it('carries the nonce that the client is to use', () => {
    const { headers } = challenge(new BearerError('ERR_DPOP_NONCE', { dpopNonce: 'n-1' }), { dpop });
    expect(headers['DPoP-Nonce']).toBe('n-1');
    expect(headers['Cache-Control']).toBe('no-store');
  });

  it.each<[string, object]>([
    ['dpop.algorithms', {}],
    ['dpop.algorithms', { algorithms: [] }],
    ['dpop.algorithms', { algorithms: ['ES256"'] }],
    ['dpop.algorithms', { algorithms: ['ES256 PS256'] }],
    ['dpop.required', { algorithms: ['ES256'], required: 'yes' }],
  ])('refuses a wrong %s: %o', (name, wrong) => {
    const build = () => challenge(new BearerError('ERR_NO_TOKEN'), { dpop: wrong as typeof dpop });
    expect(build).toThrow(TypeError);
    expect(build).toThrow(name);
  });
});
