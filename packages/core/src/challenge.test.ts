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
