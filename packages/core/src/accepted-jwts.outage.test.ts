import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  jsonAnswer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createAuthorizer } from './authorize.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { jwtVerifier } from './jwt-verifier.js';

const startAt = 1_800_000_000;
const issuer = 'https://as.test';

let published: object;
let jwt: string;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  published = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] };
  jwt = await new SignJWT({ iss: issuer, aud: 'api', exp: startAt + 60 })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })
    .sign(privateKey);
});

/** A route that takes JWTs which verify, with an issuer that has no keys to show at first. */
async function setUp() {
  const clock = { now: startAt };
  const now = () => clock.now;
  const server = await startServer(statusAnswer(204));
  const keys = await startServer(statusAnswer(500));
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    now,
  });
  const acceptJwts = jwtVerifier({ issuer, audience: 'api', jwksUri: keys.endpoint });
  const authorizer = createAuthorizer({ client, acceptJwts, now });
  const present = (token: string) =>
    authorizer.guard<unknown>(
      { method: 'GET', url: '/', authorization: `Bearer ${token}` },
      ({ source }) => source,
      ({ status }, { code }) => [status, code],
    );
  return { clock, server, keys, present };
}

describe('while the keys of accepted JWTs are not to be had', () => {
  it('a JWT that the server calls inactive is no bad token', async () => {
    const { present } = await setUp();
    expect(await present(jwt)).toEqual([502, 'ERR_KEYS_UNAVAILABLE']);
    // from memory
    expect(await present(jwt)).toEqual([502, 'ERR_KEYS_UNAVAILABLE']);
  });

  it('one that the server calls active passes', async () => {
    const { present, server } = await setUp();
    server.answer = jwtAnswer(unsignedJwt({ exp: startAt + 60 }));
    expect(await present(jwt)).toBe('introspection');
  });

  it('what the server has no answer to is its fault', async () => {
    const { present, server } = await setUp();
    server.answer = statusAnswer(500);
    expect(await present(jwt)).toEqual([502, 'ERR_STATUS']);
  });

  it('an opaque token is inactive when the server says so', async () => {
    const { present } = await setUp();
    expect(await present('opaque')).toEqual([401, 'ERR_INACTIVE']);
  });

  it('that is not remembered longer than it holds', async () => {
    const { present, keys, clock } = await setUp();
    await present(jwt);
    keys.answer = jsonAnswer(published);
    clock.now += 1;
    expect(await present(jwt)).toBe('verification');
  });
});
