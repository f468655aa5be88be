// Servers that cannot be run here. One of ours answers what their documentation says they answer, and the gateway has
// the configuration that their guide shows.
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../client.mjs';
import { generateKeyPair } from '../key-pair.mjs';
import { startGateway } from './gateway.mjs';
import { configOf, variable } from './guide.mjs';
import { bearer, challengeOf, claimsOf, makeKey, secretFile } from './stage.mjs';
import { startUpstream } from './upstream.mjs';

const clientSecret = 'the-secret';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

const json = (body, { status = 200, headers = {} } = {}) => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const inactive = () => json({ active: false }, { headers: { 'Cache-Control': 'no-store' } });
const unauthorized = () => json({ error: 'invalid_client' }, { status: 401 });

/** What stands behind a URL: a JWKS, and introspection by `answer({ token, accept, url, jwt })`. */
const startPlayer = async ({ guarded, answer }) => {
  const { privateKey, publicKey } = generateKeyPair('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key', use: 'sig', alg: 'RS256' };
  const jwt = (claims) => {
    const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: 'key' })}.${part(claims)}`;
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token');
    const { authorization = '', accept, host } = request.headers;
    const [, secret] = Buffer.from(authorization.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':');
    let answered = json({ keys: [jwk] });
    if (request.method === 'POST')
      answered =
        guarded && secret !== clientSecret
          ? unauthorized()
          : await answer({ token, accept, url: `http://${host}`, jwt });
    response.writeHead(answered.status, answered.headers).end(answered.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const userClaims = () => ({ sub: 'alice', iat: now(), exp: now() + 300 });

const keycloak = {
  name: 'keycloak',
  guarded: true,
  replace: (url) => ({ 'https://login.example.com': url, [variable('CLIENT_SECRET')]: clientSecret }),
  trust: (url) => ({ issuer: `${url}/realms/demo`, audience: 'gateway', jwksUri: `${url}/certs` }),
  answer: ({ token, accept, url, jwt }) => {
    const claims = {
      ...userClaims(),
      ...{
        jti: 'onrtac:1',
        iss: `${url}/realms/demo`,
        aud: ['gateway'],
        azp: 'app',
        sid: 's',
        scope: 'read',
      },
    };
    const asJwt = (of) => (accept === 'application/jwt' ? { jwt: jwt(of) } : {});
    const full = { ...claims, typ: 'Bearer', realm_access: { roles: ['user'] } };
    const around = { client_id: 'app', username: 'alice', token_type: 'Bearer', active: true };
    if (token === 'access') return json({ ...full, ...around, ...asJwt(full) });
    if (token === 'switch-off') return json({ ...full, ...around });
    if (token === 'refresh') {
      const refresh = { ...claims, typ: 'Refresh' };
      return json({ ...refresh, ...around, token_type: 'Refresh', ...asJwt(refresh) });
    }
    return json({ active: false, ...(token === 'of-others' && asJwt(full)) });
  },
  accepted: [
    [
      'a token, with the JWT of the member jwt',
      'access',
      ({ realm_access }) => realm_access.roles[0] === 'user',
    ],
  ],
  refused: [
    ['a refresh token', 'refresh', 401],
    ['an unknown token', 'unknown', 401],
    ["somebody else's token, though a JWT comes with the refusal", 'of-others', 401],
    ['a token without a JWT, where the client may not have one', 'switch-off', 502],
  ],
};

const curity = {
  name: 'curity',
  guarded: true,
  replace: (url) => ({ 'https://login.example.com': url, [variable('CLIENT_SECRET')]: clientSecret }),
  trust: (url) => ({
    issuer: `${url}/oauth/v2/oauth-anonymous`,
    audience: 'api',
    jwksUri: `${url}/oauth/v2/oauth-anonymous/jwks`,
  }),
  answer: ({ token, accept, url, jwt }) => {
    if (accept !== 'application/jwt') return json({ active: false });
    if (token !== 'access') return { status: 204, headers: {}, body: undefined };
    const more = { jti: 'P$1', delegationId: 'd', nbf: now(), purpose: 'access_token', scope: 'read' };
    const claims = { ...userClaims(), ...more, iss: `${url}/oauth/v2/oauth-anonymous`, aud: 'api' };
    const headers = {
      ...{ 'Content-Type': 'application/jwt', 'Cache-Control': 'max-age=300' },
      'Set-Cookie': 'session=1; Path=/; HttpOnly',
    };
    return { status: 200, headers, body: jwt(claims) };
  },
  accepted: [
    ['a token, with the JWT that is the answer', 'access', ({ delegationId }) => delegationId === 'd'],
  ],
  refused: [['an unknown token', 'unknown', 401]],
};

const hydra = {
  name: 'hydra',
  guarded: false,
  replace: (url, minting) => ({ 'http://hydra-admin.internal:4445': url, 'minting.pem': minting }),
  answer: ({ token, url }) => {
    const claims = {
      ...{ active: true, scope: 'read', client_id: 'app', ...userClaims(), nbf: now(), iss: `${url}/` },
      ...{
        token_type: 'Bearer',
        token_use: 'access_token',
        aud: ['https://api.example.com'],
        ext: { team: 'a' },
      },
    };
    if (token === 'access') return json(claims);
    if (token === 'refresh') return json({ ...claims, token_use: 'refresh_token' });
    if (token === 'without-audience') return json({ ...claims, aud: [] });
    return inactive();
  },
  accepted: [
    ['a token, with a JWT that has what the consent app set', 'access', ({ ext }) => ext.team === 'a'],
  ],
  refused: [
    ['a refresh token', 'refresh', 401],
    ['a token for no audience', 'without-audience', 401],
    ['an unknown token', 'unknown', 401],
  ],
};

const okta = {
  name: 'okta',
  guarded: true,
  replace: (url, minting) => ({
    ...{ 'https://example.okta.com': url, 'minting.pem': minting },
    ...{ [variable('CLIENT_ID')]: 'gateway', [variable('CLIENT_SECRET')]: clientSecret },
  }),
  answer: ({ token, url }) => {
    const both = {
      ...{ active: true, token_type: 'Bearer', scope: 'read', client_id: 'app', username: 'alice' },
      ...{ exp: now() + 300, sub: 'alice' },
    };
    const issued = { iat: now(), iss: `${url}/oauth2/default`, jti: 'AT.1', uid: '00u' };
    if (token === 'access') return json({ ...both, ...issued, aud: 'api://default' });
    if (token === 'id') return json({ ...both, ...issued, aud: 'app' });
    if (token === 'refresh') return json({ ...both, device_id: 'd' });
    if (token === 'too-many') return json({ errorCode: 'E0000047' }, { status: 429 });
    return json({ active: false });
  },
  accepted: [['a token, with a JWT that names the user', 'access', ({ uid }) => uid === '00u']],
  refused: [
    ['a refresh token', 'refresh', 401],
    ['an ID token', 'id', 401],
    ['an unknown token', 'unknown', 401],
    ['a token past the rate limit', 'too-many', 503],
  ],
};

for (const server of [keycloak, curity, hydra, okta]) {
  describe(`${server.name}, as documented, behind the guide's configuration`, () => {
    let folder;
    let player;
    let upstream;
    let gateway;

    const open = (changes = {}) => {
      const config = configOf(server.name, {
        ...server.replace(player.url, secretFile(folder, 'minting.pem', makeKey())),
        ...{ 'http://127.0.0.1:4000': upstream.url, 'port: 3000': 'port: 0' },
        ...changes,
      });
      return startGateway(config);
    };
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'interop-documented-'));
      player = await startPlayer(server);
      upstream = await startUpstream();
      gateway = await open();
      upstream.trust = server.trust?.(player.url) ?? {
        issuer: 'https://gateway.example.com',
        audience: 'api',
        jwksUri: `${gateway.url}/.well-known/jwks.json`,
      };
    });
    after(async () => {
      await gateway?.stop();
      await upstream?.stop();
      await player?.close();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    for (const [what, token, hasClaims] of server.accepted) {
      it(`accepts ${what}`, async () => {
        const answer = await send(gateway.url, { fields: bearer(token) });
        const claims = claimsOf(answer, { gateway });
        assert.equal(claims.sub, 'alice');
        assert.ok(hasClaims(claims), JSON.stringify(claims));
      });
    }

    for (const [what, token, status] of server.refused) {
      it(`answers ${status} for ${what}`, async () => {
        const request = () => send(gateway.url, { fields: bearer(token) });
        const challenge = await challengeOf(status, { gateway, upstream }, request);
        if (status === 401) assert.match(challenge, /error="invalid_token"/);
      });
    }

    if (server.guarded) {
      it('answers 502 where the server refuses our own credentials', async () => {
        const own = await open({ [clientSecret]: 'another' });
        try {
          const request = () => send(own.url, { fields: bearer('access') });
          await challengeOf(502, { gateway: own, upstream }, request);
        } finally {
          await own.stop();
        }
      });
    }
  });
}

describe('a token of Hydra for no audience, where none is asked for', () => {
  it('is accepted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interop-documented-'));
    const player = await startPlayer(hydra);
    const upstream = await startUpstream();
    const gateway = await startGateway(
      configOf('hydra', {
        ...hydra.replace(player.url, secretFile(folder, 'minting.pem', makeKey())),
        ...{ 'http://127.0.0.1:4000': upstream.url, 'port: 3000': 'port: 0' },
        '  audience: https://api.example.com\n': '',
      }),
    );
    try {
      upstream.trust = {
        issuer: 'https://gateway.example.com',
        audience: 'api',
        jwksUri: `${gateway.url}/.well-known/jwks.json`,
      };
      const answer = await send(gateway.url, { fields: bearer('without-audience') });
      assert.equal(claimsOf(answer, { gateway }).sub, 'alice');
    } finally {
      await gateway.stop();
      await upstream.stop();
      await player.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
