import { inspect } from 'node:util';
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretJwt, privateKeyJwt } from './client-assertion.js';
import { bearerAuth, type ClientAuth, clientSecretBasic, clientSecretPost } from './client-auth.js';
import type { PrivateKey } from './signing-key.js';

const clock = createClock();
const context = { endpoint: 'https://as.example/introspect', issuer: undefined, now: clock.now() };
const secretText = 'a secret of no less than thirty-two bytes';
const secretKey = new TextEncoder().encode(secretText);
const keyPair = (algorithm: string) => generateKeyPair(algorithm, { extractable: true });
type KeyPair = Awaited<ReturnType<typeof keyPair>>;
const rsa = await keyPair('RS256');
const other = await keyPair('RS256');
const ec = await keyPair('ES384');
const ed = await keyPair('EdDSA');

async function assertionOf(auth: ClientAuth, more: object = {}) {
  const body = new URLSearchParams();
  await auth.authenticate(new Headers(), body, { ...context, ...more });
  return { body, assertion: body.get('client_assertion') ?? '' };
}

const expected = { currentDate: new Date(clock.now() * 1000), requiredClaims: ['jti', 'iat', 'exp'] };

describe('clientSecretJwt', () => {
  it('sends an assertion that the secret signs, and never the secret', async () => {
    const { body, assertion } = await assertionOf(clientSecretJwt('gateway', secretText));
    const { payload, protectedHeader } = await jwtVerify(assertion, secretKey, {
      ...expected,
      issuer: 'gateway',
      subject: 'gateway',
      audience: context.endpoint,
    });
    expect(protectedHeader).toEqual({ alg: 'HS256' });
    expect(payload).toMatchObject({ iat: clock.now(), exp: clock.now() + 60 });
    expect([...body.keys()]).toEqual(['client_id', 'client_assertion_type', 'client_assertion']);
    expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(String(body)).not.toContain('secret');
  });

  it('is for the issuer where that is known, or for whom it is told', async () => {
    const issuer = 'https://as.example';
    const own = await assertionOf(clientSecretJwt('gateway', secretText), { issuer });
    expect(decodeJwt(own.assertion).aud).toBe(issuer);
    const told = await assertionOf(clientSecretJwt('gateway', secretText, { audience: 'other' }), { issuer });
    expect(decodeJwt(told.assertion).aud).toBe('other');
  });

  it('never sends the same assertion twice', async () => {
    const auth = clientSecretJwt('gateway', secretText);
    const jtis = await Promise.all(
      Array.from({ length: 50 }, async () => decodeJwt((await assertionOf(auth)).assertion).jti),
    );
    expect(new Set(jtis).size).toBe(50);
  });
});

describe('privateKeyJwt', () => {
  it.each<[string, () => Promise<PrivateKey>, KeyPair['publicKey'], object]>([
    ['PKCS #8 in PEM', () => exportPKCS8(rsa.privateKey), rsa.publicKey, { alg: 'RS256' }],
    [
      'a JWK',
      async () => ({ ...(await exportJWK(ec.privateKey)), kid: 'one' }),
      ec.publicKey,
      { alg: 'ES384', kid: 'one' },
    ],
    ['a JWK of another kind', () => exportJWK(ed.privateKey), ed.publicKey, { alg: 'EdDSA' }],
    ['an imported key', async () => rsa.privateKey, rsa.publicKey, { alg: 'RS256' }],
  ])('signs with %s', async (_title, make, publicKey, header) => {
    const key = await make();
    for (const given of [key, () => key, async () => key]) {
      const { assertion } = await assertionOf(privateKeyJwt('gateway', given as never));
      await jwtVerify(assertion, publicKey, { ...expected, issuer: 'gateway', audience: context.endpoint });
      expect(decodeProtectedHeader(assertion)).toEqual(header);
    }
  });

  it('names the key and the algorithm as told', async () => {
    const options = { keyId: 'two', algorithm: 'PS256' };
    const auth = privateKeyJwt('gateway', await exportPKCS8(rsa.privateKey), options);
    const { assertion } = await assertionOf(auth);
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'PS256', kid: 'two' });
  });

  it('makes a wrong key our failure, not the token’s', async () => {
    const server = await startServer(jwtAnswer(unsignedJwt()));
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: privateKeyJwt('gateway', () => 'no key at all'),
    });
    await expect(client.exchange('token')).rejects.toMatchObject({ code: 'ERR_CLIENT_AUTH', status: 502 });
    expect(server.calls).toHaveLength(0);
  });
});

it.each([
  ['clientId', () => clientSecretJwt('', secretText)],
  ['clientSecret', () => clientSecretJwt('gateway', '')],
  ['algorithm', () => clientSecretJwt('gateway', secretText, { algorithm: 'RS256' as 'HS256' })],
  ['lifetimeSeconds', () => clientSecretJwt('gateway', secretText, { lifetimeSeconds: 301 })],
  ['audience', () => clientSecretJwt('gateway', secretText, { audience: '' })],
  ['clientId', () => privateKeyJwt('', 'x')],
  ['kid', () => privateKeyJwt('gateway', 'x', { kid: 'x' } as object)],
  ...[
    ...['', undefined, null, 42, 'x', {}, [], rsa.publicKey, Uint8Array.of(1)],
    ...[
      { kty: 'RSA', n: 'x', e: 'AQAB' },
      { kty: 'oct', k: 'AAAA', d: 'AAAA' },
    ],
  ].map((key): [string, () => unknown] => ['key', () => privateKeyJwt('gateway', key as PrivateKey)]),
  ['clientId', () => bearerAuth('', 'x')],
  ['token', () => bearerAuth('gateway', '')],
])('refuses a wrong %s', (name, make) => {
  expect(make).toThrow(TypeError);
  expect(make).toThrow(name);
});

it('shows no secret to whoever looks at it', async () => {
  for (const auth of [
    clientSecretJwt('id', secretText),
    privateKeyJwt('id', await exportPKCS8(rsa.privateKey)),
  ]) {
    await assertionOf(auth);
    expect(inspect(auth, { showHidden: true, depth: 9 })).not.toMatch(/thirty|PRIVATE/);
    expect(JSON.stringify(auth)).not.toMatch(/thirty|PRIVATE/);
  }
});

const basic = (text: string) => `Basic ${btoa(text)}`;

describe.each<
  [
    string,
    readonly [old: unknown, next: unknown],
    (secret: () => never) => ClientAuth,
    (call: Parameters<Answer>[1], secret: never) => unknown,
  ]
>([
  [
    'clientSecretBasic',
    ['old', 'new'],
    (secret) => clientSecretBasic('gateway', secret),
    ({ headers }, secret) => headers.authorization === basic(`gateway:${secret}`),
  ],
  [
    'clientSecretPost',
    ['old', 'new'],
    (secret) => clientSecretPost('gateway', secret),
    ({ form }, secret) => form.get('client_secret') === secret,
  ],
  [
    'bearerAuth',
    ['old', 'new'],
    (token) => bearerAuth('gateway', token),
    ({ headers }, token) => headers.authorization === `Bearer ${token}`,
  ],
  [
    'clientSecretJwt',
    [secretText, `${secretText}, and another`],
    (secret) => clientSecretJwt('gateway', secret),
    ({ form }, secret) => jwtVerify(form.get('client_assertion') ?? '', new TextEncoder().encode(secret)),
  ],
  [
    'privateKeyJwt',
    [rsa, other],
    (key) => privateKeyJwt('gateway', () => (key() as KeyPair).privateKey),
    ({ form }, key) => jwtVerify(form.get('client_assertion') ?? '', (key as KeyPair).publicKey),
  ],
])('%s', (_name, [old, next], authWith, accepts) => {
  it('takes up a new secret when the server refuses the old one, and no request fails', async () => {
    let known = old;
    const server = await startServer(async (response, call) => {
      const isAccepted = await Promise.resolve(accepts(call, known as never)).catch(() => false);
      (isAccepted ? jwtAnswer(unsignedJwt()) : statusAnswer(401))(response, call);
    });
    const vault = vi.fn(() => known as never);
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: authWith(vault),
    });
    await client.exchange('first');
    known = next;
    const exchanged = await Promise.all(['a', 'b', 'c'].map((token) => client.exchange(token)));
    expect(exchanged.map(({ source }) => source)).toEqual([
      'introspection',
      'introspection',
      'introspection',
    ]);
    expect(vault).toHaveBeenCalledTimes(2);
  });

  it('is asked once, where no other secret is to be had', async () => {
    const server = await startServer(statusAnswer(401));
    const vault = vi.fn(() => old as never);
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: authWith(vault),
    });
    await expect(client.exchange('first')).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_REFUSED',
      status: 502,
    });
    expect(server.calls).toHaveLength(1);
    expect(vault).toHaveBeenCalledTimes(2);
  });
});
