import { startApache } from './apache.mjs';
import { startFramework } from './framework.mjs';
import { startGateway } from './gateway.mjs';
import { startBareNginx } from './nginx-bare.mjs';
import { startLuaNginx } from './nginx-lua.mjs';

const framework = (name, kind) => (upstream) => startFramework(name, kind, upstream.open);

/**
 * What is measured. `swaps` are those whose upstream accepts nothing but the JWT; `refuses` are those that must not let an
 * unknown token through.
 */
export const subjects = {
  a: { name: 'nginx', needs: ['nginx'], start: (upstream) => startBareNginx(upstream.open) },
  b: {
    name: 'gateway without auth',
    start: async (upstream, endpoint) => (await startGateway('none', upstream.open, endpoint)).port,
  },
  c: {
    name: 'gateway',
    swaps: true,
    refuses: true,
    start: async (upstream, endpoint) => (await startGateway('required', upstream.strict, endpoint)).port,
  },
  d: { name: 'Express with http-proxy-middleware', start: framework('express', 'bare') },
  e: { name: 'Fastify with @fastify/http-proxy', start: framework('fastify', 'bare') },
  f: { name: 'Hono with its proxy helper', start: framework('hono', 'bare') },
  gd: { name: 'Express with our forwarder', start: framework('express', 'ours') },
  ge: { name: 'Fastify with our forwarder', start: framework('fastify', 'ours') },
  gf: { name: 'Hono with our forwarder', start: framework('hono', 'ours') },
  h: {
    name: 'nginx with a Lua swap',
    swaps: true,
    refuses: true,
    needs: ['nginx', 'libnginx-mod-http-lua'],
    start: (upstream, endpoint) => startLuaNginx(upstream.strict, endpoint),
  },
  i: {
    name: 'Apache with mod_oauth2 (forwards the opaque token)',
    refuses: true,
    needs: ['apache2', 'libapache2-mod-oauth2'],
    start: (upstream, endpoint) => startApache(upstream.open, endpoint),
  },
};

/** Subject, baseline, and the ratio that is the goal, if there is one. */
export const pairs = [
  ['c', 'b', 0.92],
  ['c', 'e', 2],
  ['c', 'd', 4],
  ['c', 'f', 6],
  ['c', 'a', 0.3],
  ['gd', 'd', 1.5],
  ['gf', 'f', 3],
  ['ge', 'e'],
  ['c', 'h'],
  ['c', 'i'],
];
