// A Django project with Django OAuth Toolkit on SQLite.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer, versionOf } from '../../servers/server-process.mjs';
import { ask, askJson, basic } from '../ask.mjs';

/** Debian's packages, and for each a file that it brings: a library has no command. */
export const packages = {
  'python3-django-oauth-toolkit': '/usr/lib/python3/dist-packages/oauth2_provider',
};

// Debian's own, which alone sees Debian's packages: the first on PATH may be another.
const python = '/usr/bin/python3';
const serve = fileURLToPath(new URL('serve.py', import.meta.url));

const version = () => versionOf('env', [python, '-c', 'import oauth2_provider as o; print(o.__version__)']);
const newSecret = () => randomBytes(24).toString('base64url');

/** See `AuthorizationServer` in cases.mjs. */
export const startDjango = async () => {
  // What form encoding is there for: the toolkit decodes both sides of the colon.
  const gatewaySecret = `a:secret/with+signs%20&${newSecret()}`;
  const [appSecret, userAppSecret, password] = [newSecret(), newSecret(), newSecret()];
  const server = await startServer('env', ({ port, folder }) => ({
    files: {},
    args: [python, serve, `${port}`],
    env: {
      PYTHONDONTWRITEBYTECODE: '1',
      SECRET_KEY: newSecret(),
      DATABASE: join(folder, 'django.sqlite3'),
      USER_PASSWORD: password,
      APP_SECRET: appSecret,
      USER_APP_SECRET: userAppSecret,
      GATEWAY_SECRET: gatewaySecret,
    },
  }));
  const endpoint = (name) => `${server.url}/o/${name}/`;
  const grant = (id, secret, form) => askJson(endpoint('token'), { headers: basic(id, secret), form });
  const issue = async (id, secret, scope) =>
    (await grant(id, secret, { grant_type: 'client_credentials', scope })).access_token;
  /** A user's tokens: `{ access_token, refresh_token… }`. */
  const issueUserTokens = ({ scope = 'read' } = {}) =>
    grant('user-app', userAppSecret, { grant_type: 'password', username: 'alice', password, scope });
  let closing;
  return {
    name: `Django OAuth Toolkit ${version()}`,
    introspectionEndpoint: endpoint('introspect'),
    clientId: 'gateway',
    clientSecret: gatewaySecret,
    issueToken: ({ scope = 'read' } = {}) => issue('app', appSecret, scope),
    /** A token for the gateway itself, to introspect with. */
    issueGatewayToken: (scope) => issue('gateway', gatewaySecret, scope),
    issueUserTokens,
    refreshToken: async () => (await issueUserTokens()).refresh_token,
    revoke: async (token) => {
      const { status } = await ask(endpoint('revoke_token'), {
        headers: basic('app', appSecret),
        form: { token },
      });
      if (status !== 200) throw new Error(`the revocation endpoint answered ${status}`);
    },
    close: () => {
      closing ??= server.stop();
      return closing;
    },
  };
};
