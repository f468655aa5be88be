// A Rails application with Doorkeeper on SQLite, served by Puma.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer, versionOf } from '../../servers/server-process.mjs';
import { ask, askJson, basic } from '../ask.mjs';

/** Debian's packages, and for each a file that it brings: a library has no command. */
export const packages = {
  puma: '/usr/bin/puma',
  'ruby-doorkeeper': '/usr/share/ruby-doorkeeper',
  'ruby-activerecord': '/usr/share/doc/ruby-activerecord/copyright',
  'ruby-sqlite3': '/usr/lib/ruby/vendor_ruby/sqlite3.rb',
};

// Debian's own, which see Debian's packages: the first on PATH may be others.
const ruby = '/usr/bin/ruby';
const puma = '/usr/bin/puma';
const application = fileURLToPath(new URL('config.ru', import.meta.url));
const redirectUri = 'https://app.example.com/callback';

const version = () =>
  versionOf('env', [ruby, '-e', 'require "doorkeeper/version"; puts Doorkeeper::VERSION::STRING']);
// Of the alphabet that Doorkeeper's own secrets have, since it does not form-decode what comes by Basic.
const newSecret = () => randomBytes(32).toString('base64url');

/** See `AuthorizationServer` in cases.mjs. Without `tokenSeconds` the tokens do not expire. */
export const startDoorkeeper = async ({ tokenSeconds } = { tokenSeconds: 600 }) => {
  const [appSecret, gatewaySecret] = [newSecret(), newSecret()];
  const server = await startServer('env', ({ port, folder }) => ({
    files: {},
    args: [puma, '--config', '-', '--bind', `tcp://127.0.0.1:${port}`, '--threads', '1:4', application],
    env: {
      RAILS_ENV: 'production',
      SECRET_KEY_BASE: newSecret(),
      DATABASE_URL: `sqlite3:${join(folder, 'doorkeeper.sqlite3')}`,
      APP_SECRET: appSecret,
      GATEWAY_SECRET: gatewaySecret,
      GATEWAY_CLIENT_ID: 'gateway',
      ...(tokenSeconds && { TOKEN_SECONDS: `${tokenSeconds}` }),
    },
  }));
  const endpoint = (name) => `${server.url}/oauth/${name}`;
  const headers = basic('app', appSecret);
  const grant = (form) => askJson(endpoint('token'), { headers, form });

  /** A user's tokens by the authorization code grant: `{ access_token, refresh_token… }`. */
  const issueUserTokens = async ({ scope = 'read' } = {}) => {
    const asked = { client_id: 'app', redirect_uri: redirectUri, response_type: 'code', scope };
    const answer = await ask(endpoint('authorize'), { form: asked });
    const code = new URL(answer.headers.location).searchParams.get('code');
    if (code === null) throw new Error(`the sign-in ended with ${answer.headers.location}`);
    return grant({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
  };
  let closing;
  return {
    name: `Doorkeeper ${version()}`,
    introspectionEndpoint: endpoint('introspect'),
    clientId: 'gateway',
    clientSecret: gatewaySecret,
    issueToken: async ({ scope = 'read' } = {}) =>
      (await grant({ grant_type: 'client_credentials', scope })).access_token,
    issueUserTokens,
    refreshToken: async () => (await issueUserTokens()).refresh_token,
    revoke: async (token) => {
      const { status } = await ask(endpoint('revoke'), { headers, form: { token } });
      if (status !== 200) throw new Error(`the revocation endpoint answered ${status}`);
    },
    close: () => {
      closing ??= server.stop();
      return closing;
    },
  };
};
