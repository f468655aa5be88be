// npm's better-auth with its OAuth provider plugin.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../client.mjs';
import { startBetterAuth } from './better-auth/server.mjs';
import { describeServer } from './cases.mjs';
import { startGateway } from './gateway.mjs';
import { configOf, variable } from './guide.mjs';
import { basicOf, bearer, challengeOf, claimsOf, makeKey, secretFile, withStage } from './stage.mjs';
import { startUpstream } from './upstream.mjs';

// It says no-store with every answer.
const cache = { obeyCacheControl: false };

describeServer('better-auth', startBetterAuth, { refreshTokens: true, cache });

describe('better-auth', () => {
  let server;
  before(async () => {
    server = await startBetterAuth();
  });
  after(() => server?.close());

  const expectInvalid = async (stage, token) => {
    const request = () => send(stage.gateway.url, { fields: bearer(token) });
    assert.match(await challengeOf(401, stage, request), /error="invalid_token"/);
  };

  it("mints a JWT for a user's token that names the user", async () => {
    const { access_token: token } = await server.issueUserTokens();
    await withStage(server, {}, async (stage) => {
      const claims = claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
      assert.equal(typeof claims.sub, 'string');
      assert.notEqual(claims.sub, claims.client_id);
    });
  });

  it('lets no token pass that was issued for no resource', async () => {
    const token = await server.issueToken({ aud: null });
    await withStage(server, {}, (stage) => expectInvalid(stage, token));
  });

  // To its own client the server calls a refresh token active, and a Bearer token.
  it('lets no refresh token of our own client pass where an audience is asked for', async () => {
    const introspection = { clientAuth: basicOf(server.clients.app), audience: server.resource };
    const { access_token: token, refresh_token: refreshToken } = await server.issueUserTokens();
    await withStage(server, { introspection }, async (stage) => {
      await expectInvalid(stage, refreshToken);
      claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
    });
  });

  it("takes the guide's configuration", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interop-guide-'));
    const upstream = await startUpstream();
    const config = configOf('better-auth', {
      'port: 3000': 'port: 0',
      'https://login.example.com/api/auth': server.issuer,
      [variable('CLIENT_ID')]: server.clientId,
      [variable('CLIENT_SECRET')]: server.clientSecret,
      'https://api.example.com': server.resource,
      'minting.pem': secretFile(folder, 'minting.pem', makeKey()),
      'http://127.0.0.1:4000': upstream.url,
    });
    const gateway = await startGateway(config);
    try {
      const jwksUri = `${gateway.url}/.well-known/jwks.json`;
      upstream.trust = { issuer: 'https://gateway.example.com', audience: 'api', jwksUri };
      const token = await server.issueToken();
      claimsOf(await send(gateway.url, { fields: bearer(token) }), { gateway });
    } finally {
      await gateway.stop();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  // The server answers 500 for what looks like a JWT and is none of its own: anybody can make it.
  it('goes on for others while somebody sends what the server has no answer for', async () => {
    const header = Buffer.from(JSON.stringify({ alg: 'RS256' })).toString('base64url');
    const good = await server.issueToken();
    await withStage(server, { introspection: { breakerFailures: 0 } }, async (stage) => {
      // More than it takes to open the breaker, if there were one.
      for (let round = 0; round < 10; round += 1) {
        const fields = bearer(`${header}.e30.c2lnbmF0dXJl${round}`);
        await challengeOf(502, stage, () => send(stage.gateway.url, { fields }));
      }
      claimsOf(await send(stage.gateway.url, { fields: bearer(good) }), stage);
    });
  });
});
