// A gateway between a server and an upstream that verifies JWTs, for tests that set it up in their own ways.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from './ask.mjs';
import { startGateway } from './gateway.mjs';
import { startUpstream } from './upstream.mjs';

/** Writes a file that holds a secret, and gives its path. */
export const secretFile = (folder, name, text) => {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

/** A new private key: PKCS #8 in PEM. */
export const makeKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

export const basicOf = ({ clientId, clientSecret }) => ({
  method: 'client_secret_basic',
  clientId,
  clientSecret,
});
export const bearer = (token) => [['Authorization', `Bearer ${token}`]];

const startStage = async (server, folder, { introspection, ...config }) => {
  const upstream = await startUpstream();
  const mint = {
    issuer: 'https://gateway.example.com',
    audience: 'api',
    keyFiles: [secretFile(folder, 'minting.pem', makeKey())],
  };
  const tls = server.ca && { caFile: secretFile(folder, 'ca.pem', server.ca), ...introspection?.tls };
  try {
    const gateway = await startGateway({
      listen: { port: 0 },
      admin: { port: 0 },
      // The servers say no-store with every answer.
      cache: { obeyCacheControl: false },
      jwks: { path: '/.well-known/jwks.json' },
      routes: [{ path: '/api', upstream: upstream.url, requiredScopes: ['read'] }],
      ...config,
      introspection: {
        ...(introspection?.issuer === undefined && { endpoint: server.introspectionEndpoint }),
        accept: 'application/json',
        clientAuth: basicOf(server),
        timeoutSeconds: 60,
        mint,
        ...introspection,
        ...(tls && { tls }),
      },
    });
    // Fetched here: the upstream does not know the authority of a gateway on TLS.
    const { body } = await ask(`${gateway.url}/.well-known/jwks.json`, { tls: { ca: server.ca } });
    const jwksUri = `data:application/json,${encodeURIComponent(body)}`;
    upstream.trust = { issuer: mint.issuer, audience: mint.audience, jwksUri };
    return { gateway, upstream };
  } catch (error) {
    await upstream.stop();
    throw error;
  }
};

/** `config` is the gateway's, over one that mints: the members of `introspection` one by one, the others whole. */
export const openStage = async (server, config = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'interop-stage-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { gateway, upstream } = await startStage(server, folder, config);
    const close = async () => {
      await gateway.stop();
      await upstream.stop();
      remove();
    };
    return { gateway, upstream, close };
  } catch (error) {
    remove();
    throw error;
  }
};

export const withStage = async (server, config, work) => {
  const stage = await openStage(server, config);
  try {
    await work(stage);
  } finally {
    await stage.close();
  }
};

/** The claims of the JWT that the upstream verified; anything but 200 fails. */
export const claimsOf = (answer, { gateway }) => {
  assert.equal(answer.status, 200, `${answer.body}\n${gateway.output()}`);
  return JSON.parse(answer.body).claims;
};

/** The challenge of a request that is refused with this status and never reaches the upstream. */
export const challengeOf = async (status, { gateway, upstream }, request) => {
  const reached = upstream.requests;
  const answer = await request();
  assert.equal(answer.status, status, `${answer.body}\n${gateway.output()}`);
  assert.equal(upstream.requests, reached, 'the upstream was reached');
  const challenge = answer.headers['www-authenticate'];
  // An outage, and our own credentials refused, must not look like a bad token.
  assert.equal(challenge === undefined, status >= 500);
  return challenge;
};
