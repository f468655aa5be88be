// Glewlwyd with its OpenID Connect plugin on SQLite, set up through its administration API.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommand } from '../../commands.mjs';
import { generateKeyPair } from '../../key-pair.mjs';
import { startServer, versionOf } from '../../servers/server-process.mjs';

/** Debian's packages, and a file of each by which to know that it is there. */
export const packages = { glewlwyd: '/usr/bin/glewlwyd', sqlite3: '/usr/bin/sqlite3' };

/** The API that tokens are issued for (RFC 8707). */
export const resource = 'https://api.example.com';

const schema = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
// The schema comes with this administrator.
const administrator = { username: 'admin', password: 'password' };
const alice = { username: 'alice', password: 'correct horse battery staple' };
const scopes = ['read', 'write'];
const introspectionScope = 'introspection';

const configFile = readFileSync(new URL('glewlwyd.conf', import.meta.url), 'utf8');
const pluginParameters = JSON.parse(readFileSync(new URL('oidc-plugin.json', import.meta.url), 'utf8'));

const createDatabase = (file) => {
  const { status, stderr } = spawnSync(requireCommand('sqlite3'), ['-bail', file], {
    input: readFileSync(schema),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the database of glewlwyd was not created: ${stderr}`);
};

const basic = ({ id, secret }) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

const post = async (url, headers, body) => {
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
};

/** Signs in to the administration API, and makes the plugin, the scopes, a user and the two clients. */
const setUp = async (api, { app, gateway }) => {
  const headers = { 'Content-Type': 'application/json' };
  const create = (path, body) => post(`${api}${path}`, headers, JSON.stringify(body));
  const signedIn = await create('/auth', administrator);
  headers.Cookie = signedIn.headers.getSetCookie()[0].split(';')[0];

  const { privateKey } = generateKeyPair('rsa', { modulusLength: 2048 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'glewlwyd-1', alg: 'RS256', use: 'sig' };
  await create('/mod/plugin', {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    parameters: {
      ...pluginParameters,
      iss: `${api}/oidc`,
      'jwks-private': JSON.stringify({ keys: [jwk] }),
    },
  });
  for (const name of [...scopes, introspectionScope])
    await create('/scope', { name, display_name: name, password_required: false });
  await create('/user', { ...alice, name: 'Alice', enabled: true, scope: scopes });
  const client = ({ id, secret }, more) =>
    create('/client', {
      client_id: id,
      password: secret,
      confidential: true,
      enabled: true,
      token_endpoint_auth_method: ['client_secret_basic'],
      ...more,
    });
  await client(app, { scope: scopes, authorization_type: ['client_credentials', 'password'] });
  await client(gateway, { scope: [introspectionScope], authorization_type: ['client_credentials'] });
};

/** See `AuthorizationServer` in cases.mjs. */
export const startGlewlwyd = async () => {
  const server = await startServer('glewlwyd', ({ port, folder }) => {
    createDatabase(join(folder, 'glewlwyd.db'));
    const text = configFile.replaceAll('4593', port).replaceAll('/var/lib/glewlwyd', folder);
    return { files: { 'glewlwyd.conf': text }, args: ['--config-file', join(folder, 'glewlwyd.conf')] };
  });
  const api = `${server.url}/api`;
  const issuer = `${api}/oidc`;
  const app = { id: 'app', secret: randomBytes(16).toString('hex') };
  const gateway = { id: 'gateway', secret: randomBytes(16).toString('hex') };
  try {
    await setUp(api, { app, gateway });
  } catch (error) {
    await server.stop();
    throw new Error(`glewlwyd could not be set up:\n${server.output()}`, { cause: error });
  }

  const as = (client, endpoint, form) =>
    post(`${issuer}/${endpoint}`, { Authorization: basic(client) }, new URLSearchParams(form));
  const issue = async (form) => (await as(app, 'token', { scope: 'read', resource, ...form })).json();
  let closing;
  return {
    name: `Glewlwyd ${versionOf('glewlwyd', ['--version'])}`,
    issuer,
    introspectionEndpoint: `${issuer}/introspect`,
    jwksUri: `${issuer}/jwks`,
    clientId: gateway.id,
    clientSecret: gateway.secret,
    issueToken: async (grant) => (await issue({ ...grant, grant_type: 'client_credentials' })).access_token,
    revoke: async (token) => {
      await as(app, 'revoke', { token });
    },
    /** A token of the gateway's own, with which it may ask about others. */
    issueGatewayToken: async () => {
      const form = { grant_type: 'client_credentials', scope: introspectionScope };
      return (await (await as(gateway, 'token', form)).json()).access_token;
    },
    refreshToken: async () => (await issue({ grant_type: 'password', ...alice })).refresh_token,
    close: () => {
      closing ??= server.stop();
      return closing;
    },
  };
};
