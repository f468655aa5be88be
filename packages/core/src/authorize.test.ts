import { describe, expect, it } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { type AuthorizeOptions, authorize, createAuthorizer } from './authorize.js';
import { createPhantomTokenClient, type PhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';

async function setUp(claims: object = {}) {
  const jwt = unsignedJwt({ exp: Date.now() / 1000 + 100, ...claims });
  const server = await startServer(jwtAnswer(jwt));
  const clientAuth = clientSecretBasic('gateway', 'sesame');
  const client = createPhantomTokenClient({ ...server.asked, clientAuth });
  const other = createPhantomTokenClient({
    ...server.asked,
    introspectionEndpoint: `${server.endpoint}/other`,
    clientAuth,
  });
  const request = { method: 'GET', url: '/', authorization: 'Bearer t' };
  const judge = async (options?: AuthorizeOptions) => authorize(client, request, options);
  return { jwt, server, client, other, request, judge };
}

const bearer = (code: string, status: number) =>
  expect.objectContaining({ name: 'BearerError', code, status });

describe('authorize', () => {
  it('gives the JWT behind the token, at once on a hit', async () => {
    const { client, request, jwt, judge } = await setUp();
    expect((await judge()).jwt).toBe(jwt);
    expect(authorize(client, request)).toMatchObject({ jwt, source: 'memory' });
  });

  it('asks nobody about a request without a usable token', async () => {
    const { client, server, request } = await setUp();
    expect(() => authorize(client, { ...request, authorization: undefined })).toThrow(
      bearer('ERR_NO_TOKEN', 401),
    );
    expect(() => authorize(client, { ...request, authorization: 'Bearer a b' })).toThrow(
      bearer('ERR_MALFORMED_TOKEN', 400),
    );
    expect(server.calls).toHaveLength(0);
  });

  it('judges scopes on misses and on hits', async () => {
    const { judge, server } = await setUp({ scope: 'read write:all' });
    for (const requiredScopes of [['admin'], ['read', 'admin'], ['write'], ['write:all ']]) {
      const verdict = judge({ requiredScopes });
      if (requiredScopes[0] === 'write:all ') await expect(verdict).rejects.toThrow(TypeError);
      else await expect(verdict).rejects.toThrow(bearer('ERR_INSUFFICIENT_SCOPE', 403));
    }
    await judge({ requiredScopes: ['read'] });
    await judge({ requiredScopes: ['write:all', 'read'] });
    expect(server.calls).toHaveLength(1);
  });

  it('finds no scope in a token that names none', async () => {
    const { judge } = await setUp();
    await expect(judge({ requiredScopes: ['read'] })).rejects.toThrow(bearer('ERR_INSUFFICIENT_SCOPE', 403));
  });

  it.each([
    [{ jkt: 'x' }, 'ERR_SENDER_CONSTRAINED'],
    [{ 'x5t#S256': 'x' }, 'ERR_CERTIFICATE'],
    [{ kid: 'x' }, 'ERR_SENDER_CONSTRAINED'],
  ])('refuses the sender-constrained %j, on misses and on hits', async (cnf, code) => {
    const { judge, server } = await setUp({ cnf });
    await expect(judge()).rejects.toThrow(bearer(code, 401));
    await expect(judge()).rejects.toThrow(bearer(code, 401));
    expect(server.calls).toHaveLength(1);
  });

  it('takes an empty cnf for none', async () => {
    const { judge } = await setUp({ cnf: {} });
    expect(await judge()).toMatchObject({ source: 'introspection' });
  });

  it('does not look again for what a guard of the same client found, but judges its use', async () => {
    const { client, server, request, jwt, judge } = await setUp({ scope: 'read' });
    const accessToken = await judge();
    const behind = { ...request, authorization: `Bearer ${jwt}`, accessToken };
    expect(authorize(client, behind, { requiredScopes: ['read'] })).toBe(accessToken);
    expect(() => authorize(client, behind, { requiredScopes: ['admin'] })).toThrow(
      bearer('ERR_INSUFFICIENT_SCOPE', 403),
    );
    expect(server.calls).toHaveLength(1);
  });

  it('does not trust what a guard of another client found', async () => {
    const { other, server, request, jwt, judge } = await setUp();
    const accessToken = await judge();
    server.answer = statusAnswer(204);
    const behind = { ...request, authorization: `Bearer ${jwt}`, accessToken };
    await expect(authorize(other, behind)).rejects.toThrow(bearer('ERR_INACTIVE', 401));
    expect(server.calls[1]?.form.get('token')).toBe(jwt);
  });

  it('judges the end of a token again that a guard in front found', async () => {
    const { client, server, request } = await setUp();
    let time = Date.now() / 1000;
    const now = () => time;
    const accessToken = await authorize(client, request, { now });
    const behind = { ...request, authorization: accessToken.authorization, accessToken };
    time = (accessToken.claims.exp ?? 0) - 1;
    expect(authorize(client, behind, { now })).toBe(accessToken);
    time += 1;
    expect(() => authorize(client, behind, { now })).toThrow(bearer('ERR_EXPIRED', 401));
    expect(server.calls).toHaveLength(1);
  });

  it('takes over no token from nobody', async () => {
    const { client, request } = await setUp();
    const accessToken = await client.exchange('t');
    const nobody = createAuthorizer({ client: () => undefined as unknown as PhantomTokenClient });
    expect(() => nobody.authorize({ ...request, accessToken })).toThrow(TypeError);
  });

  it('does not trust a look-alike', async () => {
    const { client, server, request, judge } = await setUp();
    const { jwt, claims, expiresAt } = await judge();
    server.answer = statusAnswer(204);
    const forged = { jwt, authorization: `Bearer ${jwt}`, claims, expiresAt, source: 'memory' as const };
    const behind = { ...request, authorization: 'Bearer other', accessToken: forged };
    await expect(authorize(client, behind)).rejects.toThrow(bearer('ERR_INACTIVE', 401));
  });

  it('works with a client that somebody wrote themselves', async () => {
    const { client, request } = await setUp();
    const plain = {
      jwt: 'a.b.c',
      authorization: 'Bearer a.b.c',
      claims: {},
      expiresAt: 0,
      source: 'memory' as const,
    };
    const own: PhantomTokenClient = { ...client, exchangeOrWait: () => plain };
    expect(authorize(own, request)).toBe(plain);
  });
});

describe('createAuthorizer', () => {
  it('asks the client that is chosen for a request, and no other', async () => {
    const { client, other, server, request } = await setUp();
    const choose = ({ url }: { url: string }) => (url.startsWith('/other') ? other : client);
    const authorizer = createAuthorizer({ client: choose });
    const accessToken = await authorizer.authorize(request);
    await authorizer.authorize({ ...request, url: '/other' });
    expect(server.calls.map(({ url }) => url)).toEqual(['/introspect', '/introspect/other']);
    server.answer = statusAnswer(204);
    const behind = { ...request, authorization: 'Bearer other', accessToken };
    expect(authorizer.authorize(behind)).toBe(accessToken);
    await expect(authorizer.authorize({ ...behind, url: '/other' })).rejects.toThrow(
      bearer('ERR_INACTIVE', 401),
    );
  });

  it.each<[string, object]>([
    ['client', { client: undefined }],
    ['client', { client: {} }],
    ['replaceAuthorization', { replaceAuthorization: 'no' }],
    ['claimHeaders', { claimHeaders: 'sub' }],
    ['clientCertificate', { clientCertificate: {} }],
    ['dpop', { dpop: { algorithms: ['ES256'] } }],
    ['dpop', { dpop: {} }],
    ['acceptJwts', { acceptJwts: {} }],
    ['now', { now: 1 }],
    ['realm', { realm: 'a"b' }],
    ['realm', { realm: '' }],
    ['realm', { realm: 'a\r\nb' }],
    ['realm', { realm: 'é' }],
    ['requiredScopes', { requiredScopes: 'read' }],
    ['requiredScopes', { requiredScopes: ['a b'] }],
    ['requiredScopes', { requiredScopes: ['a"'] }],
    ['requiredScopes', { requiredScopes: [''] }],
    ['resourceMetadata', { resourceMetadata: '/relative' }],
    ['resourceMetadata', { resourceMetadata: 'https://a.test/"x' }],
    ['requiredScope', { requiredScope: ['read'] }],
    ...[
      ...['client', 'dpop', 'clientCertificate', 'acceptJwts', 'now', 'claimHeaders'],
      ...['replaceAuthorization', 'realm', 'requiredScopes', 'resourceMetadata'],
    ].flatMap((name) =>
      [null, false, 0, '']
        .filter((value) => !(name === 'replaceAuthorization' && value === false))
        .map((value): [string, object] => [name, { [name]: value }]),
    ),
  ])('refuses a wrong %s: %o', async (name, wrong) => {
    const { client } = await setUp();
    const make = () => createAuthorizer({ client, ...wrong } as { client: PhantomTokenClient });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });

  it('leaves errors that are no refusals to the framework, thrown or rejected as they came', async () => {
    const { client, request } = await setUp();
    const bug = new RangeError('bug');
    const never = () => expect.unreachable();
    const throwing: PhantomTokenClient = {
      ...client,
      exchangeOrWait() {
        throw bug;
      },
    };
    expect(() => createAuthorizer({ client: throwing }).guard(request, never, never)).toThrow(bug);
    const rejecting: PhantomTokenClient = { ...client, exchangeOrWait: () => Promise.reject(bug) };
    await expect(createAuthorizer({ client: rejecting }).guard(request, never, never)).rejects.toThrow(bug);
  });

  it('calls one of the two with the verdict, and returns what that returns', async () => {
    const { client, server, request, jwt } = await setUp();
    const { guard } = createAuthorizer({ client });
    const judge = (authorization?: string) =>
      guard<unknown>(
        { ...request, authorization },
        (token) => token.jwt,
        (challenge) => challenge.status,
      );
    expect(judge()).toBe(401);
    const first = judge('Bearer t');
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe(jwt);
    expect(judge('Bearer t')).toBe(jwt);
    server.answer = statusAnswer(204);
    expect(await judge('Bearer u')).toBe(401);
  });
});
