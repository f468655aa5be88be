import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { type AuthorizeOptions, authorize, createAuthorizer } from './authorize.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { type JwtVerifier, jwtVerifier } from './jwt-verifier.js';

const startAt = 1_800_000_000;
const issuer = 'https://as.test';

let verifier: JwtVerifier;
let sign: (claims?: object, header?: object) => Promise<string>;
let foreign: (claims?: object) => Promise<string>;

beforeAll(async () => {
  const [own, other] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
  verifier = jwtVerifier({ issuer, audience: 'api', jwks: { keys: [await exportJWK(own.publicKey)] } });
  const signer =
    (key: CryptoKey) =>
    (claims: object = {}, header: object = {}) =>
      new SignJWT({ iss: issuer, aud: 'api', exp: startAt + 60, sub: 's', scope: 'read', ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
        .sign(key);
  sign = signer(own.privateKey);
  foreign = signer(other.privateKey);
});

/** A route that takes JWTs which verify, in front of a server that calls every other token inactive. */
async function setUp(more: AuthorizeOptions = {}) {
  const clock = { now: startAt };
  const now = () => clock.now;
  const server = await startServer(statusAnswer(204));
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    now,
  });
  const verify = vi.fn(verifier.verify);
  const acceptJwts = { ...verifier, verify };
  const present = async (token: string, scheme = 'Bearer') =>
    authorize(client, { method: 'GET', url: '/', authorization: `${scheme} ${token}` }, options);
  const options = { acceptJwts, now, ...more };
  return { clock, server, client, verify, present, acceptJwts, now };
}

const inactive = expect.objectContaining({ code: 'ERR_INACTIVE', status: 401 });

describe('a route that takes JWTs which verify', () => {
  it('lets one pass as it is, without introspection', async () => {
    const { present, server } = await setUp();
    const jwt = await sign();
    expect(await present(jwt)).toMatchObject({
      jwt,
      authorization: `Bearer ${jwt}`,
      claims: { sub: 's', scope: 'read' },
      source: 'verification',
    });
    expect(server.calls).toHaveLength(0);
  });

  it('verifies it once, and knows it at once from then on', async () => {
    const { acceptJwts, client, now, verify } = await setUp();
    const authorizer = createAuthorizer({ client, acceptJwts, now });
    const request = { method: 'GET', url: '/', authorization: `Bearer ${await sign()}` };
    await authorizer.authorize(request);
    expect(authorizer.authorize(request)).toMatchObject({ source: 'memory' });
    expect(verify).toHaveBeenCalledTimes(1);
  });

  it('lets none pass after its exp, though it was known', async () => {
    const { acceptJwts, client, now, clock, server } = await setUp();
    const authorizer = createAuthorizer({ client, acceptJwts, now });
    const request = { method: 'GET', url: '/', authorization: `Bearer ${await sign()}` };
    await authorizer.authorize(request);
    clock.now += 59.9;
    expect(await authorizer.authorize(request)).toMatchObject({ source: 'memory' });
    clock.now += 0.1;
    await expect(authorizer.authorize(request)).rejects.toThrow(inactive);
    expect(server.calls).toHaveLength(1);
  });

  it.each<[string, () => Promise<string> | string]>([
    ['signed by somebody else', () => foreign()],
    ['of another issuer', () => sign({ iss: 'https://evil.test' })],
    ['for another audience', () => sign({ aud: 'elsewhere' })],
    ['that has expired', () => sign({ exp: startAt })],
    ['that is not valid yet', () => sign({ nbf: startAt + 60 })],
    ['without an end', () => sign({ exp: undefined })],
    ['of another type', () => sign({}, { typ: 'JWT' })],
    ['that is a refresh token', () => sign({ token_use: 'refresh' })],
    ['that is not signed', () => unsignedJwt({}, { alg: 'none' })],
    ['in looks only', () => 'an.opaque.token'],
  ])('asks the server about a JWT %s', async (_title, make) => {
    const { present, server } = await setUp();
    const token = await make();
    await expect(present(token)).rejects.toThrow(inactive);
    expect(server.calls.map(({ form }) => form.get('token'))).toEqual([token]);
  });

  it('takes a wrapped opaque token for what the server says it is', async () => {
    const { present, server } = await setUp();
    const jwt = unsignedJwt({ sub: 'other', exp: startAt + 60 });
    server.answer = jwtAnswer(jwt);
    expect(await present(await foreign())).toMatchObject({ jwt, source: 'introspection' });
    expect(await present('opaque')).toMatchObject({ jwt, source: 'introspection' });
  });

  it('does not try again for a moment what did not verify, and does then', async () => {
    const { acceptJwts, client, now, verify, clock } = await setUp();
    const authorizer = createAuthorizer({ client, acceptJwts, now });
    const request = { method: 'GET', url: '/', authorization: `Bearer ${await sign({ nbf: startAt + 20 })}` };
    const judge = async () => authorizer.authorize(request);
    for (const [seconds, calls] of [
      [0, 1],
      [4.9, 1],
      [0.2, 2],
    ] as const) {
      clock.now += seconds;
      await expect(judge()).rejects.toThrow(inactive);
      expect(verify).toHaveBeenCalledTimes(calls);
    }
    clock.now += 10;
    expect(await judge()).toMatchObject({ source: 'verification' });
  });

  it('judges scopes and senders as of any token', async () => {
    const { client, acceptJwts, now } = await setUp();
    const judge = async (jwt: string, options: AuthorizeOptions = {}) =>
      authorize(
        client,
        { method: 'GET', url: '/', authorization: `Bearer ${jwt}` },
        { acceptJwts, now, ...options },
      );
    await expect(judge(await sign(), { requiredScopes: ['admin'] })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_INSUFFICIENT_SCOPE' }),
    );
    await expect(judge(await sign({ cnf: { jkt: 'x' } }))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_SENDER_CONSTRAINED' }),
    );
  });

  it('does not make another route take it', async () => {
    const { client, acceptJwts, now, server } = await setUp();
    const request = { method: 'GET', url: '/', authorization: `Bearer ${await sign()}` };
    const accessToken = await authorize(client, request, { acceptJwts, now });
    expect(authorize(client, { ...request, accessToken }, { acceptJwts, now })).toBe(accessToken);
    await expect(authorize(client, { ...request, accessToken }, { now })).rejects.toThrow(inactive);
    expect(server.calls).toHaveLength(1);
  });

  it('looks at no token that is too long to be one', async () => {
    const { present, verify, server } = await setUp();
    const long = await sign({ padding: 'x'.repeat(16_384) });
    await expect(present(long)).rejects.toThrow(expect.objectContaining({ code: 'ERR_TOKEN_TOO_LONG' }));
    expect(verify).not.toHaveBeenCalled();
    expect(server.calls).toHaveLength(0);
  });
});
