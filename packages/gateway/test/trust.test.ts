import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json as readJson } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import {
  activeJson,
  choose,
  createJwtSigner,
  goodClaims,
  json,
  jwt,
  patientSeconds,
  reply,
  startScriptedServer,
  status,
} from '@phantom-token/conformance';
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { onEnd } from './lifetime.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

const tlsFile = (name: string) => fileURLToPath(new URL(`../../core/test/tls/${name}`, import.meta.url));
const now = () => Math.floor(Date.now() / 1000);

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'phantom-token-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway with one route, and everything around it. */
async function start(more: object, { introspection: ask = {}, route = {} }: Record<string, object> = {}) {
  const upstream = await startUpstream();
  const { server, introspection } = await startAuthorizationServer();
  const gateway = await startGateway({
    listen,
    admin,
    introspection: { ...introspection, ...ask },
    routes: [{ path: '/api', upstream: upstream.url, ...route }],
    ...more,
  });
  const ask1 = (headers: Record<string, string> = {}, path = '/api') =>
    fetch(`${gateway.url}${path}`, { headers: { Authorization: 'Bearer token', ...headers } });
  return { upstream, server, gateway, ask: ask1 };
}

/** The fields that the upstream saw, names in lower case. */
async function seen(response: Response): Promise<Record<string, string>> {
  const { rawHeaders } = (await response.json()) as { rawHeaders: string[] };
  const fields: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2)
    fields[rawHeaders[index]?.toLowerCase() ?? ''] = rawHeaders[index + 1] ?? '';
  return fields;
}

async function writeKey(file: string): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  writeFileSync(file, await exportPKCS8(privateKey));
  return calculateJwkThumbprint(await exportJWK(publicKey));
}

describe('where the server returns no JWT', () => {
  const issuer = 'https://gateway.example.com';

  it('the gateway mints one that verifies against the keys it publishes', async () => {
    const keyFile = join(makeFolder(), 'key.pem');
    await writeKey(keyFile);
    const { server, gateway, ask } = await start(
      { jwks: { path: '/.well-known/jwks.json' } },
      {
        introspection: { accept: 'application/json', mint: { issuer, audience: 'api', keyFiles: [keyFile] } },
      },
    );
    server.answer(
      json({ active: true, token_type: 'Bearer', sub: 'alice', exp: now() + 600, scope: 'read' }),
    );
    const keys = createRemoteJWKSet(new URL(`${gateway.url}/.well-known/jwks.json`), {
      timeoutDuration: patientSeconds * 1000,
    });
    const { authorization } = await seen(await ask());
    const { payload, protectedHeader } = await jwtVerify(authorization?.slice(7) ?? '', keys, {
      issuer,
      audience: 'api',
      typ: 'at+jwt',
    });
    expect(payload).toMatchObject({ sub: 'alice', scope: 'read' });
    expect(protectedHeader.alg).toBe('ES256');
    expect((await seen(await ask())).authorization).toBe(authorization);
    server.answer(json({ active: true, sub: 'alice' }));
    expect((await ask({ Authorization: 'Bearer refresh' })).status).toBe(401);
  });

  it('publishes the keys of several servers, and answers nothing else there', async () => {
    const folder = makeFolder();
    const files = ['one.pem', 'two.pem'].map((name) => join(folder, name));
    const kids = await Promise.all(files.map(writeKey));
    const mint = (keyFile: string | undefined) => ({
      accept: 'application/json',
      mint: { issuer, audience: 'api', keyFiles: [keyFile] },
    });
    const { introspection } = await startAuthorizationServer();
    const { gateway } = await start(
      { jwks: { path: '/keys' }, issuers: { other: { ...introspection, ...mint(files[1]) } } },
      { introspection: mint(files[0]) },
    );
    const answer = await fetch(`${gateway.url}/keys`);
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    const { keys } = (await answer.json()) as { keys: { kid: string; d?: string }[] };
    expect(keys.map(({ kid }) => kid).sort()).toEqual(kids.sort());
    expect(keys.some(({ d }) => d !== undefined)).toBe(false);
    expect((await fetch(`${gateway.url}/keys`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${gateway.url}/keys`, { method: 'HEAD' })).status).toBe(200);
  });

  it('a key file that is missing is said at the start', async () => {
    await expect(
      start(
        {},
        { introspection: { accept: 'application/json', mint: { issuer, keyFiles: ['/no/such/key.pem'] } } },
      ),
    ).rejects.toThrow('introspection.mint.keyFiles[0]');
  });
});

describe('several authorization servers', () => {
  it('are asked each about its own routes, and a token of one is none of the other', async () => {
    const upstream = await startUpstream();
    const own = await startAuthorizationServer();
    const other = await startScriptedServer();
    onEnd(() => other.close());
    other.answer(status(204));
    const { endpoint: _, ...common } = own.introspection as { endpoint: string };
    const gateway = await startGateway({
      listen,
      admin,
      introspection: own.introspection,
      issuers: { partner: { ...common, endpoint: other.endpoint } },
      routes: [
        { path: '/partner', upstream: upstream.url, issuer: 'partner' },
        { path: '/', upstream: upstream.url },
      ],
    });
    const ask = async (path: string) =>
      (await fetch(`${gateway.url}${path}`, { headers: { Authorization: 'Bearer token' } })).status;
    expect([await ask('/'), await ask('/partner'), await ask('/'), await ask('/partner')]).toEqual([
      200, 401, 200, 401,
    ]);
    expect([own.server.calls.length, other.calls.length]).toEqual([1, 1]);
  });
});

describe('claims', () => {
  it.each([true, false])('become fields that no client can set, with %s for fastLane', async (fastLane) => {
    const { ask, server } = await start(
      { fastLane },
      { route: { claimHeaders: { 'X-User': 'sub', 'X-Name': 'name', 'X-None': 'none' } } },
    );
    server.answer(jwt({ ...goodClaims, exp: now() + 600, sub: 'alice', name: 'Zoë\r\n' }));
    const fields = await seen(
      await ask({ X_User: 'mallory', 'x.user': 'mallory', 'X-NONE': 'mallory', 'X-Other': 'kept' }),
    );
    expect(fields).toMatchObject({ 'x-user': 'alice', 'x-name': 'Zo%C3%AB%0D%0A', 'x-other': 'kept' });
    for (const name of ['x_user', 'x.user', 'x-none']) expect(fields).not.toHaveProperty([name]);
  });
});

describe('a route that takes JWTs which verify', () => {
  it('introspects everything else', async () => {
    const signer = await createJwtSigner('key');
    const keys = await startScriptedServer();
    onEnd(() => keys.close());
    keys.answer(json(signer.jwks));
    const { ask, server } = await start(
      {},
      {
        route: {
          acceptJwts: {
            issuer: goodClaims.iss,
            audience: goodClaims.aud,
            jwksUri: keys.endpoint,
            typ: ['at+jwt', 'JWT'],
          },
        },
      },
    );
    const own = await signer.sign({ ...goodClaims, exp: now() + 600 });
    expect((await seen(await ask({ Authorization: `Bearer ${own}` }))).authorization).toBe(`Bearer ${own}`);
    expect(server.calls).toHaveLength(0);
    const wrapped = await (await createJwtSigner('key')).sign({ ...goodClaims, exp: now() + 600 });
    const { authorization } = await seen(await ask({ Authorization: `Bearer ${wrapped}` }));
    expect(authorization).not.toBe(`Bearer ${wrapped}`);
    expect(server.calls.map(({ form }) => form.get('token'))).toEqual([wrapped]);
  });
});

describe('DPoP', () => {
  const origin = 'https://api.example.com';

  async function makeProver() {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const ath = createHash('sha256').update('token').digest('base64url');
    const prove = (claims: object = {}) =>
      new SignJWT({ jti: randomUUID(), htm: 'GET', htu: `${origin}/api`, iat: now(), ath, ...claims })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey);
    return { jkt: await calculateJwkThumbprint(jwk), prove };
  }

  it('lets a bound token pass with a proof for this request, once, and forwards neither', async () => {
    const { jkt, prove } = await makeProver();
    const { ask, server } = await start({ dpop: { origin } });
    server.answer(jwt({ ...goodClaims, exp: now() + 600, cnf: { jkt } }));
    const proof = await prove();
    const first = await ask({ Authorization: 'DPoP token', DPoP: proof });
    const fields = await seen(first);
    expect(fields.authorization).toMatch(/^Bearer eyJ/);
    expect(fields).not.toHaveProperty('dpop');
    for (const [title, headers] of [
      ['replayed', { Authorization: 'DPoP token', DPoP: proof }],
      ['for another path', { Authorization: 'DPoP token', DPoP: await prove({ htu: `${origin}/other` }) }],
      [
        'for another origin',
        { Authorization: 'DPoP token', DPoP: await prove({ htu: 'https://evil.test/api' }) },
      ],
    ] as const) {
      const answer = await ask({ ...headers, 'X-Forwarded-Host': 'evil.test' });
      expect([title, answer.status]).toEqual([title, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^DPoP realm="api", error="invalid_dpop_proof"/);
    }
    const asBearer = await ask();
    expect([asBearer.status, asBearer.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^DPoP realm="api", error="invalid_token"/),
    ]);
    expect((await ask({ Authorization: 'DPoP token', DPoP: await prove() })).status).toBe(200);
    expect(server.calls).toHaveLength(1);
  });

  it('offers both schemes, and gives a nonce where proofs need one', async () => {
    const { jkt, prove } = await makeProver();
    const { ask, server, gateway } = await start({ dpop: { origin, nonceSecret: 's'.repeat(32) } });
    server.answer(jwt({ ...goodClaims, exp: now() + 600, cnf: { jkt } }));
    const bare = await fetch(`${gateway.url}/api`);
    expect(bare.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="api", DPoP realm="api", algs="ES256/,
    );
    const asked = await ask({ Authorization: 'DPoP token', DPoP: await prove() });
    const nonce = asked.headers.get('dpop-nonce');
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="use_dpop_nonce"'),
    ]);
    expect((await ask({ Authorization: 'DPoP token', DPoP: await prove({ nonce }) })).status).toBe(200);
  });

  it('is judged by what another gateway says of the request', async () => {
    const { jkt, prove } = await makeProver();
    const { server, gateway } = await start({ dpop: { origin }, forwardAuth: { path: '/authorize' } });
    server.answer(jwt({ ...goodClaims, exp: now() + 600, cnf: { jkt } }));
    const ask = async (DPoP: string) =>
      (
        await fetch(`${gateway.url}/authorize`, {
          headers: {
            Authorization: 'DPoP token',
            DPoP,
            'X-Forwarded-Method': 'POST',
            'X-Forwarded-Uri': '/orders?a=b',
          },
        })
      ).status;
    expect(await ask(await prove({ htm: 'POST', htu: `${origin}/orders` }))).toBe(200);
    expect(await ask(await prove({ htm: 'GET', htu: `${origin}/orders` }))).toBe(401);
    expect(await ask(await prove({ htm: 'POST', htu: `${origin}/authorize` }))).toBe(401);
  });
});

describe('certificate-bound tokens', () => {
  const client = { cert: readFileSync(tlsFile('client.pem')), key: readFileSync(tlsFile('client.key')) };
  const thumbprint = createHash('sha256').update(new X509Certificate(client.cert).raw).digest('base64url');
  const bound = () => jwt({ ...goodClaims, exp: now() + 600, cnf: { 'x5t#S256': thumbprint } });

  it('pass with their certificate on the connection, on misses and on hits', async () => {
    const { server, gateway } = await start({
      listen: {
        port: 0,
        tls: {
          certFile: tlsFile('server.pem'),
          keyFile: tlsFile('server.key'),
          clientCertificates: 'request',
        },
      },
    });
    server.answer(bound());
    const ask = (more: object) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${gateway.url}/api`, {
          ca: readFileSync(tlsFile('ca.pem')),
          agent: false,
          headers: { Authorization: 'Bearer token' },
          ...more,
        })
          .on(
            'response',
            (response) => void readJson(response).then(() => resolve(response.statusCode), reject),
          )
          .on('error', reject)
          .end();
      });
    expect([await ask(client), await ask(client), await ask({})]).toEqual([200, 200, 401]);
    expect(server.calls).toHaveLength(1);
  });

  it.each([
    { trustedProxies: ['127.0.0.1'], expected: 200 },
    { trustedProxies: ['192.0.2.1'], expected: 401 },
  ])(
    'pass with it in a header of a trusted proxy, $trustedProxies: $expected',
    async ({ trustedProxies, expected }) => {
      const { server, ask } = await start({ trustedProxies, proxyCertificate: { format: 'client-cert' } });
      server.answer(bound());
      const der = new X509Certificate(client.cert).raw.toString('base64');
      const answer = await ask({ 'Client-Cert': `:${der}:` });
      expect(answer.status).toBe(expected);
      if (expected === 200) expect(await seen(answer)).not.toHaveProperty('client-cert');
    },
  );
});

describe('signed answers', () => {
  it('are verified, and nothing else counts', async () => {
    const signer = await createJwtSigner('key');
    const keys = await startScriptedServer();
    onEnd(() => keys.close());
    keys.answer(json(signer.jwks));
    const issuer = 'https://as.example.com';
    const { ask, server } = await start(
      {},
      {
        introspection: {
          accept: 'application/token-introspection+jwt',
          signedResponse: { issuer, jwksUri: keys.endpoint },
        },
      },
    );
    const inner = await signer.sign({ ...goodClaims, exp: now() + 600 });
    const answer = await signer.sign(
      {
        iss: issuer,
        aud: 'gateway',
        iat: now(),
        token_introspection: { active: true, token_type: 'Bearer', jwt: inner },
      },
      { typ: 'token-introspection+jwt' },
    );
    server.answer(
      choose(({ form }) =>
        form.get('token') === 'token'
          ? reply(200, { 'Content-Type': 'application/token-introspection+jwt' }, answer)
          : activeJson(),
      ),
    );
    expect((await seen(await ask())).authorization).toBe(`Bearer ${inner}`);
    expect(server.calls[0]?.headers.accept).toBe('application/token-introspection+jwt');
    expect((await ask({ Authorization: 'Bearer other' })).status).toBe(502);
  });
});

describe('our own credentials', () => {
  it('are read from a file again when the server refuses them, without a refused request', async () => {
    const file = join(makeFolder(), 'secret');
    writeFileSync(file, 'old\n');
    let current = 'old';
    const { server, ask } = await start(
      {},
      {
        introspection: {
          clientAuth: { method: 'client_secret_basic', clientId: 'gateway', clientSecretFile: file },
        },
      },
    );
    const isRight = (secret: string, header: unknown) =>
      header === `Basic ${Buffer.from(`gateway:${secret}`).toString('base64')}`;
    const good = jwt({ ...goodClaims, exp: now() + 600 });
    server.answer(choose(({ headers }) => (isRight(current, headers.authorization) ? good : status(401))));
    expect((await ask()).status).toBe(200);
    current = 'new';
    writeFileSync(file, 'new\n');
    expect((await ask({ Authorization: 'Bearer another' })).status).toBe(200);
    expect(server.calls).toHaveLength(3);
  });

  it.each([
    [
      'client_secret_post',
      { clientSecret: 's' },
      (form: URLSearchParams) => form.get('client_secret') === 's',
    ],
    [
      'client_secret_jwt',
      { clientSecret: 's'.repeat(32) },
      (form: URLSearchParams) => form.get('client_assertion')?.split('.').length === 3,
    ],
    ['bearer', { token: 'ours' }, (_form: URLSearchParams, header: unknown) => header === 'Bearer ours'],
  ])('go by %s', async (method, more, isRight) => {
    const { server, ask } = await start(
      {},
      { introspection: { clientAuth: { method, clientId: 'gateway', ...more } } },
    );
    expect((await ask()).status).toBe(200);
    const [call] = server.calls;
    expect(isRight(call?.form ?? new URLSearchParams(), call?.headers.authorization)).toBe(true);
  });

  it('go by private_key_jwt with the key in a file', async () => {
    const file = join(makeFolder(), 'key.pem');
    await writeKey(file);
    const { server, ask } = await start(
      {},
      {
        introspection: {
          clientAuth: { method: 'private_key_jwt', clientId: 'gateway', keyFile: file, algorithm: 'ES256' },
        },
      },
    );
    expect((await ask()).status).toBe(200);
    expect(server.calls[0]?.form.get('client_assertion')?.split('.')).toHaveLength(3);
  });
});

describe('what clients have to know of a resource', () => {
  it('is published, and named in challenges', async () => {
    const resource = 'https://api.example.com/v1';
    const { gateway } = await start({
      protectedResource: {
        resource,
        authorizationServers: ['https://as.example.com'],
        scopesSupported: ['read'],
      },
    });
    const challenge = (await fetch(`${gateway.url}/api`)).headers.get('www-authenticate');
    const url = 'https://api.example.com/.well-known/oauth-protected-resource/v1';
    expect(challenge).toBe(`Bearer realm="api", resource_metadata="${url}"`);
    const answer = await fetch(`${gateway.url}${new URL(url).pathname}`);
    expect(await answer.json()).toMatchObject({
      resource,
      authorization_servers: ['https://as.example.com'],
      scopes_supported: ['read'],
    });
  });
});
