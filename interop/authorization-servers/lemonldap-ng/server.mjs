// LemonLDAP::NG's portal as Debian runs it, llng-fastcgi-server behind nginx, as an OpenID Connect provider.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startServer } from '../../servers/server-process.mjs';
import { startFastCgi } from './fastcgi.mjs';

const sessionsCommand = '/usr/share/lemonldap-ng/bin/lemonldap-ng-sessions';

/**
 * Debian's packages, and a file of each by which to know that it is there. Debian only recommends the last two, but they
 * are needed. Those of the captcha are not, since `captcha` in lmConf-1.json names a module that does nothing.
 */
export const packages = {
  nginx: '/usr/sbin/nginx',
  'lemonldap-ng-fastcgi-server': '/usr/sbin/llng-fastcgi-server',
  'liblemonldap-ng-portal-perl': '/usr/share/lemonldap-ng/portal/htdocs/index.psgi',
  'libstring-random-perl': '/usr/share/perl5/String/Random.pm',
  'libio-string-perl': '/usr/share/perl5/IO/String.pm',
};

const startSeconds = 60;
// A demonstration account: its password is its name.
const user = 'dwho';
const redirectUri = 'https://app.example.com/callback';

const fileText = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const version = () =>
  spawnSync('perl', ['-MLemonldap::NG::Portal', '-e', 'print $Lemonldap::NG::Portal::VERSION'], {
    encoding: 'utf8',
  }).stdout;

const answers = async (url) => {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
};

/** nginx, with the files of LemonLDAP::NG in its folder. */
const startNginx = async (secrets) => {
  let home;
  const nginx = await startServer('nginx', ({ port, folder }) => {
    home = folder;
    const adapted = (name) =>
      fileText(name)
        .replaceAll('/var/lib/lemonldap-ng', folder)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
        .replace('APP_SECRET', secrets.app)
        .replace('GATEWAY_SECRET', secrets.gateway);
    return {
      files: {
        'nginx.conf': adapted('nginx.conf'),
        'lemonldap-ng.ini': adapted('lemonldap-ng.ini'),
        'conf/lmConf-1.json': adapted('lmConf-1.json'),
      },
      args: ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')],
    };
  });
  for (const name of ['cache', 'sessions/lock', 'psessions/lock'])
    mkdirSync(join(home, name), { recursive: true });
  return { ...nginx, home };
};

const start = async () => {
  const secrets = { app: randomBytes(16).toString('hex'), gateway: randomBytes(16).toString('hex') };
  const nginx = await startNginx(secrets);
  const env = {
    PATH: process.env.PATH,
    LLNG_DEFAULTCONFFILE: join(nginx.home, 'lemonldap-ng.ini'),
    LLNG_DEFAULTLOGGER: 'Lemonldap::NG::Common::Logger::Std',
  };
  const fastCgi = startFastCgi(nginx.home, env);
  let closing;
  const close = () => {
    closing ??= fastCgi.stop().then(nginx.stop);
    return closing;
  };
  const deadline = Date.now() + startSeconds * 1000;
  while (!(await answers(`${nginx.url}/.well-known/openid-configuration`))) {
    if (Date.now() > deadline) {
      await close();
      throw new Error(`LemonLDAP::NG does not answer; its first lines:\n${fastCgi.output().slice(0, 5000)}`);
    }
    await delay(100);
  }

  const issue = async (form) => {
    const response = await fetch(`${nginx.url}/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`app:${secrets.app}`).toString('base64')}` },
      body: new URLSearchParams(form),
    });
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
    return response.json();
  };
  const shared = {
    name: `LemonLDAP::NG ${version()}`,
    issuer: `${nginx.url}/`,
    introspectionEndpoint: `${nginx.url}/oauth2/introspect`,
    clientId: 'gateway',
    clientSecret: secrets.gateway,
    close,
  };
  return { portal: nginx.url, env, issue, shared };
};

/** Tokens of the client credentials grant, which an administrator takes back by deleting the token's session. */
export const startLemonLdapNgForClients = async () => {
  const { env, issue, shared } = await start();
  return {
    ...shared,
    issueToken: async ({ scope = 'read' } = {}) =>
      (await issue({ grant_type: 'client_credentials', scope })).access_token,
    revoke: async (token) => {
      const { status, stderr } = spawnSync(sessionsCommand, ['delete', token], { env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`the token was not deleted: ${stderr}`);
    },
  };
};

/** Tokens of the code flow, which end with the user's session. */
export const startLemonLdapNgForUsers = async () => {
  const { portal, issue, shared } = await start();
  const cookies = new Map(); // access token -> the session that it hangs on
  const signIn = async () => {
    const response = await fetch(portal, {
      method: 'POST',
      headers: { Accept: 'application/json' },
      body: new URLSearchParams({ user, password: user }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie === undefined) throw new Error(`signing in answered ${response.status}`);
    return cookie.split(';')[0];
  };
  const tokens = async ({ scope = 'read' } = {}) => {
    const cookie = await signIn();
    const query = { response_type: 'code', client_id: 'app', scope: `openid ${scope}` };
    const { headers } = await fetch(
      `${portal}/oauth2/authorize?${new URLSearchParams({ ...query, redirect_uri: redirectUri })}`,
      { headers: { Cookie: cookie }, redirect: 'manual' },
    );
    const code = new URL(headers.get('Location')).searchParams.get('code');
    const issued = await issue({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
    cookies.set(issued.access_token, cookie);
    return issued;
  };
  return {
    ...shared,
    issueToken: async (grant) => (await tokens(grant)).access_token,
    refreshToken: async () => (await tokens()).refresh_token,
    revoke: async (token) => {
      const headers = { Cookie: cookies.get(token), Accept: 'application/json' };
      const response = await fetch(`${portal}/?logout=1`, { headers });
      if (!response.ok) throw new Error(`signing out answered ${response.status}`);
    },
  };
};
