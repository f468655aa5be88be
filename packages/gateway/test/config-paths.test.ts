import { expect, it } from 'vitest';
import { runHere } from './gateway.js';

const server = (logout?: string) => ({
  endpoint: 'https://login.example.com/introspect',
  clientAuth: { method: 'client_secret_basic', clientId: 'gateway', clientSecret: 'secret' },
  ...(logout && {
    logout: {
      path: logout,
      issuer: 'https://login.example.com',
      audience: 'gateway',
      jwksUri: 'https://login.example.com/jwks',
    },
  }),
});
const route = (path: string) => ({ path, upstream: 'http://127.0.0.1:4000' });
const check = (config: object) =>
  runHere(['--config', '-', '--check'], JSON.stringify({ introspection: server(), ...config }));

it.each<[string, object, string]>([
  [
    'two issuers that log out at it',
    { introspection: server('/logout'), issuers: { other: server('/logout') }, routes: [route('/')] },
    'issuers.other.logout.path (line 1): must be another path than introspection.logout.path',
  ],
  [
    'logout and forward auth',
    { introspection: server('/authorize'), forwardAuth: { path: '/authorize' } },
    'introspection.logout.path (line 1): must be another path than forwardAuth.path',
  ],
  [
    'logout and keys',
    { introspection: server('/keys'), jwks: { path: '/keys' }, routes: [route('/')] },
    'introspection.logout.path (line 1): must be another path than jwks.path',
  ],
  [
    'keys and metadata',
    {
      jwks: { path: '/.well-known/oauth-protected-resource/v1' },
      protectedResource: { resource: 'https://api.example.com/v1' },
      routes: [route('/')],
    },
    "jwks.path (line 1): must be another path than that of protectedResource's metadata",
  ],
  [
    'a route and forward auth',
    { forwardAuth: { path: '/authorize' }, routes: [route('/api'), route('/authorize/')] },
    'routes[1].path (line 1): must be another path than forwardAuth.path',
  ],
  [
    'a route and logout',
    { introspection: server('/logout'), routes: [route('/logout')] },
    'routes[0].path (line 1): must be another path than introspection.logout.path',
  ],
])('one path is not for two things: %s', async (_title, config, message) => {
  expect(await check(config)).toEqual({ code: 2, stdout: '', stderr: `${message}\n` });
});

it('what has a path of its own may lie below a route', async () => {
  const config = {
    introspection: server('/api/logout'),
    issuers: { other: server('/api/logout/other') },
    jwks: { path: '/api/keys' },
    forwardAuth: { path: '/api/authorize' },
    protectedResource: { resource: 'https://api.example.com' },
    routes: [route('/api')],
  };
  expect(await check(config)).toEqual({ code: 0, stdout: 'the configuration is valid\n', stderr: '' });
});

it('a resource that is no URL is said to be that, and nothing else', async () => {
  const { code, stderr } = await check({ protectedResource: { resource: 'api' }, routes: [route('/')] });
  expect(code).toBe(2);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
