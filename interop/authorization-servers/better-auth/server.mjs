// npm's better-auth with its OAuth provider plugin, as a real authorization server: opaque tokens for a resource, which
// the clients linked to that resource may introspect.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { ask, askJson, basic } from '../ask.mjs';

/** Of Debian: nothing. `installBetterAuth` of install.mjs brings what is needed. */
export const packages = {};

const { devDependencies: versions } = JSON.parse(
  readFileSync(new URL('package.json', import.meta.url), 'utf8'),
);
const resource = 'https://api.test';
const redirectUri = 'https://app.test/callback';
const tables = [
  ...['user', 'session', 'account', 'verification', 'jwks', 'oauthClient', 'oauthResource'],
  ...['oauthClientResource', 'oauthClientAssertion', 'oauthAccessToken', 'oauthRefreshToken', 'oauthConsent'],
];

const createAuth = async (baseURL) => {
  const { betterAuth } = await import('better-auth');
  const { memoryAdapter } = await import('better-auth/adapters/memory');
  const { oauthProvider } = await import('@better-auth/oauth-provider');
  return betterAuth({
    baseURL,
    secret: randomBytes(32).toString('hex'),
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    database: memoryAdapter(Object.fromEntries(tables.map((name) => [name, []]))),
    emailAndPassword: { enabled: true },
    plugins: [
      oauthProvider({
        loginPage: '/login',
        consentPage: '/consent',
        // With the JWT plugin a token for a resource would be a JWT; without, every token is opaque.
        disableJwtPlugin: true,
        scopes: ['openid', 'offline_access', 'read', 'write'],
        resources: [resource],
        clientPrivileges: () => true,
        resourcePrivileges: () => true,
      }),
    ],
  });
};

export const startBetterAuth = async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  const auth = await createAuth(origin);
  const { toNodeHandler } = await import('better-auth/node');
  server.on('request', toNodeHandler(auth));
  const base = `${origin}/api/auth`;

  const signedUp = await auth.api.signUpEmail({
    body: { email: 'alice@app.test', password: randomBytes(16).toString('hex'), name: 'Alice' },
    returnHeaders: true,
  });
  const cookie = signedUp.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const headers = new Headers({ cookie });

  const createClient = async (body) => {
    const made = await auth.api.adminCreateOAuthClient({ headers, body });
    await auth.api.adminLinkClientResource({
      headers,
      params: { identifier: resource, client_id: made.client_id },
    });
    return { clientId: made.client_id, clientSecret: made.client_secret };
  };
  const app = await createClient({
    redirect_uris: [redirectUri],
    grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
    client_credentials_scopes: ['read', 'write'],
    skip_consent: true,
  });
  const gateway = await createClient({ grant_types: ['client_credentials'] });

  const grant = (form) =>
    askJson(`${base}/oauth2/token`, { headers: basic(app.clientId, app.clientSecret), form });

  /** A user's tokens by the authorization code grant: `{ access_token, refresh_token… }`. */
  const issueUserTokens = async ({ scope = 'openid offline_access read write' } = {}) => {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      ...{ client_id: app.clientId, redirect_uri: redirectUri, response_type: 'code', scope, resource },
      ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url') },
      ...{ code_challenge_method: 'S256', state: randomBytes(8).toString('hex') },
    });
    const { headers: answered } = await ask(`${base}/oauth2/authorize?${query}`, {
      headers: { Cookie: cookie },
    });
    const code = new URL(answered.location).searchParams.get('code');
    if (code === null) throw new Error(`the sign-in ended with ${answered.location}`);
    return grant({
      ...{
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource,
      },
    });
  };

  return {
    name: `better-auth ${versions['better-auth']}`,
    issuer: base,
    introspectionEndpoint: `${base}/oauth2/introspect`,
    ...gateway,
    clients: { app, gateway },
    resource,
    issueToken: async ({ scope = 'read write', aud = resource } = {}) =>
      (await grant({ grant_type: 'client_credentials', scope, ...(aud && { resource: aud }) })).access_token,
    issueUserTokens,
    refreshToken: async () => (await issueUserTokens()).refresh_token,
    revoke: async (token) => {
      const { status } = await ask(`${base}/oauth2/revoke`, {
        headers: basic(app.clientId, app.clientSecret),
        form: { token },
      });
      if (status !== 200) throw new Error(`the revocation endpoint answered ${status}`);
    },
    close: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
