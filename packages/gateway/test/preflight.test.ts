import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { exchange, format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const preflight = ['Origin: https://app.example', 'Access-Control-Request-Method: PUT'];

async function start(options: object = {}) {
  const upstream = await startUpstream();
  const { introspection, server, jwt } = await startAuthorizationServer();
  const routes = [{ path: '/api', upstream: upstream.url, ...options }];
  const gateway = await startGateway({ listen, introspection, routes });
  const ask = (fields: readonly string[]) => exchange(gateway.url, format('OPTIONS', '/api', fields));
  return { ask, upstream, server, jwt };
}

describe('a CORS preflight', () => {
  it('passes without credentials, and with none to the upstream', async () => {
    const { ask, upstream, server } = await start();
    expect((await ask([...preflight, 'DPoP: proof']))?.status).toBe(200);
    expect(upstream.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(upstream.requests[0]?.headers).not.toHaveProperty('dpop');
    expect(server.calls).toHaveLength(0);
  });

  it('is judged like any request where it has an Authorization', async () => {
    const { ask, upstream, jwt } = await start();
    expect((await ask([...preflight, 'Authorization: Bearer a b']))?.status).toBe(400);
    expect((await ask([...preflight, 'Authorization: Bearer good']))?.status).toBe(200);
    expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${jwt}`]);
  });

  it.each([
    ['no Origin', preflight.slice(1)],
    ['no method that is asked for', preflight.slice(0, 1)],
  ])('is none with %s', async (_title, fields) => {
    const { ask, upstream } = await start();
    expect((await ask(fields))?.status).toBe(401);
    expect(upstream.requests).toHaveLength(0);
  });

  it('is refused where the route says so', async () => {
    const { ask, upstream } = await start({ letPreflightsPass: false });
    expect((await ask(preflight))?.status).toBe(401);
    expect(upstream.requests).toHaveLength(0);
  });
});
