// npm's oidc-provider over TLS, as a real authorization server: opaque tokens, plain and signed introspection, DPoP and
// certificate-bound tokens.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ask, askJson, basic } from '../ask.mjs';
import { makeCertificates } from './certificates.mjs';
import { createConfiguration, makeClients, redirectUri } from './configuration.mjs';
import '../../signals.mjs';

/** Debian's packages, and the command that each brings. */
export const packages = { openssl: 'openssl' };

// The version that the demo pins.
const require = createRequire(new URL('../../../apps/demo/package.json', import.meta.url));

const { version } = require('oidc-provider/package.json');

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `https://127.0.0.1:${server.address().port}`;
};

const createProvider = async (issuer, metadata) => {
  const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
  const provider = new Provider(issuer, createConfiguration({ metadata, provider: () => provider }));
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/login/')) return next();
    await provider.interactionFinished(context.req, context.res, { login: { accountId: 'alice' } });
    context.respond = false;
    return undefined;
  });
  return provider;
};

/** Follows the redirects of a sign-in, with cookies, up to the one that leads to the app. */
const signIn = async (start, tls) => {
  const cookies = new Map();
  let url = start;
  for (let step = 0; step < 10; step += 1) {
    const headers = { Cookie: [...cookies].map((pair) => pair.join('=')).join('; ') };
    const answer = await ask(url, { headers, tls });
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    if (answer.headers.location === undefined) throw new Error(`no redirect, but ${answer.status}`);
    url = new URL(answer.headers.location, url).href;
    if (url.startsWith(redirectUri)) return new URL(url).searchParams;
  }
  throw new Error('the sign-in does not end');
};

export const startOidcProvider = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'interop-oidc-provider-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Also where something fails before there is anything to close.
  process.on('exit', remove);
  const certificates = makeCertificates(folder);
  const { clients, metadata } = makeClients(certificates);
  const { ca, server: own } = certificates;

  // Asks for certificates and takes any: the provider decides.
  const server = createServer({
    ...{ cert: own.cert, key: own.key, ca: ca.cert },
    ...{ requestCert: true, rejectUnauthorized: false },
  });
  const issuer = await listen(server);
  server.on('request', (await createProvider(issuer, metadata)).callback());

  const tls = { ca: ca.cert };
  const discovered = await askJson(`${issuer}/.well-known/openid-configuration`, { tls });
  const { token_endpoint: tokenEndpoint, revocation_endpoint: revocationEndpoint } = discovered;

  const grant = (client, form, { certificate, dpop } = {}) =>
    askJson(tokenEndpoint, {
      headers: {
        ...basic(client.clientId, client.clientSecret),
        ...(dpop && { DPoP: dpop.prove({ method: 'POST', url: tokenEndpoint }) }),
      },
      form,
      tls: { ...tls, ...(certificate && { cert: certificate.cert, key: certificate.key }) },
    });
  const clientCredentials = (scope) => ({ grant_type: 'client_credentials', scope });

  const issueToken = async ({ scope = 'read write', dpop } = {}) =>
    (await grant(clients.app, clientCredentials(scope), { dpop })).access_token;
  const issueBoundToken = async ({ scope = 'read write', certificate = certificates.app } = {}) =>
    (await grant(clients.boundApp, clientCredentials(scope), { certificate })).access_token;

  /** A user's tokens by the authorization code grant: `{ access_token, refresh_token… }`. */
  const issueUserTokens = async ({ scope = 'openid offline_access read write' } = {}) => {
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const query = new URLSearchParams({
      ...{ client_id: clients.app.clientId, redirect_uri: redirectUri, response_type: 'code', scope },
      ...{ code_challenge: challenge, code_challenge_method: 'S256' },
    });
    const answer = await signIn(`${discovered.authorization_endpoint}?${query}`, tls);
    const code = answer.get('code');
    if (code === null) throw new Error(`the sign-in ended with ${answer}`);
    return grant(clients.app, {
      ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    });
  };

  return {
    name: `oidc-provider ${version}`,
    issuer,
    introspectionEndpoint: discovered.introspection_endpoint,
    jwksUri: discovered.jwks_uri,
    ...clients.basic,
    ca: ca.cert,
    clients,
    certificates,
    folder,
    issueToken,
    issueBoundToken,
    issueUserTokens,
    refreshToken: async () => (await issueUserTokens()).refresh_token,
    revoke: async (token, client = clients.app) => {
      const headers = basic(client.clientId, client.clientSecret);
      const { status } = await ask(revocationEndpoint, { headers, form: { token }, tls });
      if (status !== 200) throw new Error(`the revocation endpoint answered ${status}`);
    },
    close: async () => {
      if (server.listening) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
      process.off('exit', remove);
      remove();
    },
  };
};
