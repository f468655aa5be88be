// What must hold in front of every authorization server: the gateway, started as users start it, between a client with
// a real token and an upstream that verifies the JWT.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { send, valuesOf } from '../client.mjs';
import { startGateway } from './gateway.mjs';
import { startUpstream } from './upstream.mjs';

const gatewayIssuer = 'https://gateway.example.com';
const gatewayAudience = 'api';
const revocationSeconds = 60;

/**
 * A running authorization server, as a starter resolves with it. A starter installs nothing.
 * @typedef {object} AuthorizationServer
 * @property {string} name for test titles, with the version
 * @property {string} [issuer] its `iss`, where it has one
 * @property {string} introspectionEndpoint
 * @property {string} [jwksUri] where it has one
 * @property {string} clientId of the gateway, which introspects
 * @property {string} [clientSecret]
 * @property {string} [ca] PEM, for a server on TLS
 * @property {(grant?: { scope?: string }) => Promise<string>} issueToken a fresh opaque access token of the real token endpoint
 * @property {(token: string) => Promise<void>} revoke takes the token back, the way the server has (RFC 7009)
 * @property {() => Promise<string>} [refreshToken] a fresh refresh token, where the server issues them
 * @property {() => Promise<void>} close ends all its processes and removes its folder; a second call does nothing
 */

/**
 * @typedef {object} Options
 * @property {string} [title] of the suite; default: that the gateway mints a JWT, or forwards the server's
 * @property {boolean} [mints] whether the gateway mints the JWT (default), or forwards the one of the server
 * @property {string} [scope] what tokens are asked for, and what the route needs; default `read`
 * @property {string} [missingScope] which the tokens do not have; default `write`
 * @property {(server: AuthorizationServer, folder: string) => object | Promise<object>} [introspection] members of the
 *   gateway's `introspection` that differ from the default ones; files that they name can be written to the folder
 * @property {(server: AuthorizationServer, folder: string) => object | Promise<object>} [wrongClientAuth] a `clientAuth`
 *   that the server refuses; default: the right one with another `clientSecret`
 * @property {boolean} [refreshTokens] whether the server issues refresh tokens, and so has `refreshToken`; default `false`
 * @property {object} [mint] members of `introspection.mint` beside its issuer, audience and key
 * @property {object} [cache] the gateway's `cache`, such as `{ obeyCacheControl: false }`
 * @property {(claims: object, server: AuthorizationServer) => void} [checkClaims] more to assert on the JWT's claims
 */

const bearer = (token) => [['Authorization', `Bearer ${token}`]];
const challengesOf = ({ rawHeaders }) => valuesOf(rawHeaders, 'WWW-Authenticate');

/** No tokens of any server: one that does not look like a token, and one that does. */
const garbage = ['garbage', 'b3BhcXVlLWJ1dC1ub3QtdGhlaXJzLWF0LWFsbC0wMDAx'];

const mintingKey = async (folder) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = join(folder, 'minting-key.pem');
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return file;
};

/** A gateway in front of an upstream of its own, for one server. */
const startStage = async (server, folder, options, { cache = {}, clientAuth } = {}) => {
  const { mints = true, scope = 'read', missingScope = 'write' } = options;
  const upstream = await startUpstream();
  const tls = server.ca === undefined ? undefined : { caFile: join(folder, 'ca.pem') };
  if (tls !== undefined) await writeFile(tls.caFile, server.ca);
  const introspection = {
    endpoint: server.introspectionEndpoint,
    accept: mints ? 'application/json' : 'application/jwt',
    clientAuth: {
      method: 'client_secret_basic',
      clientId: server.clientId,
      clientSecret: server.clientSecret,
    },
    timeoutSeconds: 60,
    ...(tls && { tls }),
    ...(mints && {
      mint: {
        issuer: gatewayIssuer,
        audience: gatewayAudience,
        keyFiles: [await mintingKey(folder)],
        ...options.mint,
      },
    }),
    ...(await options.introspection?.(server, folder)),
  };
  if (clientAuth !== undefined) introspection.clientAuth = await clientAuth(introspection.clientAuth);
  try {
    const gateway = await startGateway({
      listen: { port: 0 },
      admin: { port: 0 },
      introspection,
      cache: { ...options.cache, ...cache },
      ...(mints && { jwks: { path: '/.well-known/jwks.json' } }),
      routes: [
        { path: '/api/write', upstream: upstream.url, requiredScopes: [missingScope] },
        { path: '/api', upstream: upstream.url, requiredScopes: [scope] },
      ],
    });
    upstream.trust = mints
      ? { issuer: gatewayIssuer, audience: gatewayAudience, jwksUri: `${gateway.url}/.well-known/jwks.json` }
      : { issuer: server.issuer, jwksUri: server.jwksUri };
    const stop = async () => {
      await gateway.stop();
      await upstream.stop();
    };
    return { gateway, upstream, stop };
  } catch (error) {
    await upstream.stop();
    throw error;
  }
};

/**
 * The cases for one server and one way of using it.
 * @param {string} name
 * @param {() => Promise<AuthorizationServer>} start
 * @param {Options} [options]
 */
export const describeServer = (name, start, options = {}) => {
  const { mints = true, scope = 'read' } = options;
  const title = options.title ?? (mints ? 'the gateway mints a JWT' : 'the gateway forwards its JWT');
  describe(`${name}: ${title}`, () => {
    let server;
    let folder;
    let stage;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'interop-gateway-'));
      server = await start();
      const expected = options.refreshTokens ? 'function' : 'undefined';
      assert.equal(typeof server.refreshToken, expected, 'refreshTokens and the server do not agree');
      stage = await startStage(server, folder, options);
    });
    after(async () => {
      await stage?.stop();
      await server?.close();
      if (folder) await rm(folder, { recursive: true, force: true });
    });

    const issueToken = () => server.issueToken({ scope });

    const accepted = async (token, { gateway } = stage) => {
      const answer = await send(gateway.url, { fields: bearer(token) });
      assert.equal(answer.status, 200, `${answer.body}\n${gateway.output()}`);
      assert.ok(!answer.body.includes(token), 'the presented token reached the upstream');
      return JSON.parse(answer.body).claims;
    };

    /** Asserts that the request is refused with this status before it reaches the upstream. */
    const refused = async (token, status, { path, on: { gateway, upstream } = stage } = {}) => {
      const reached = upstream.requests;
      const answer = await send(gateway.url, { path, fields: bearer(token) });
      assert.ok([status].flat().includes(answer.status), `answered ${answer.status}\n${gateway.output()}`);
      assert.equal(upstream.requests, reached, 'the upstream was reached');
      const challenges = challengesOf(answer);
      // An outage, and our own credentials refused, must not look like a bad token.
      assert.equal(challenges.length, answer.status < 500 ? 1 : 0);
      return challenges[0];
    };

    /** A gateway of its own, so that what it has cached or counted stays its own. */
    const withOwn = async (changes, work) => {
      const own = await startStage(server, folder, options, changes);
      try {
        await work(own);
      } finally {
        await own.stop();
      }
    };

    it('accepts a real token, and the upstream verifies the JWT', async (t) => {
      t.diagnostic(server.name);
      const claims = await accepted(await issueToken());
      assert.ok(claims.scope.split(' ').includes(scope), `the scope ${claims.scope}`);
      options.checkClaims?.(claims, server);
    });

    it('answers the second request from the cache', async () => {
      const token = await issueToken();
      const hits = () => stage.gateway.metric('phantom_token_cache_hits_total');
      const introspections = () => stage.gateway.metric('phantom_token_introspections_total');
      await accepted(token);
      const [hitsBefore, introspectionsBefore] = [await hits(), await introspections()];
      await accepted(token);
      assert.deepEqual([await hits(), await introspections()], [hitsBefore + 1, introspectionsBefore]);
    });

    it('answers 403 insufficient_scope where the token lacks the scope', async () => {
      const challenge = await refused(await issueToken(), 403, { path: '/api/write/items' });
      assert.match(challenge, /error="insufficient_scope"/);
    });

    for (const token of garbage) {
      it(`answers 401 invalid_token for ${token}`, async () => {
        assert.match(await refused(token, 401), /error="invalid_token"/);
      });
    }

    it('answers 401 once a token is revoked and the cache has forgotten it', async () => {
      await withOwn({ cache: { maxTtlSeconds: 1 } }, async (own) => {
        const token = await issueToken();
        await accepted(token, own);
        await server.revoke(token);
        const deadline = Date.now() + revocationSeconds * 1000;
        while (Date.now() < deadline) {
          const { status } = await send(own.gateway.url, { fields: bearer(token) });
          if (status !== 200) break;
          await delay(100);
        }
        assert.match(await refused(token, 401, { on: own }), /error="invalid_token"/);
      });
    });

    if (options.refreshTokens) {
      it('answers 401 for a refresh token', async () => {
        assert.match(await refused(await server.refreshToken(), 401), /error="invalid_token"/);
      });
    }

    it('answers 502 when the server refuses our own credentials', async () => {
      const clientAuth = (right) =>
        options.wrongClientAuth?.(server, folder) ?? { ...right, clientSecret: 'not-the-secret' };
      await withOwn({ clientAuth }, async (own) => {
        await refused(await issueToken(), 502, { on: own });
      });
    });

    it('answers 502 or 504 for a new token while the server is down, and still knows the old one', async () => {
      const [known, fresh] = [await issueToken(), await issueToken()];
      await accepted(known);
      await server.close();
      await refused(fresh, [502, 504]);
      await accepted(known);
    });
  });
};
