import { jwtType, reply } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { exchange, format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const authorization = 'Authorization: Bearer good';

async function start() {
  const upstream = await startUpstream();
  const { server, introspection, jwt } = await startAuthorizationServer();
  const config = {
    listen,
    introspection,
    routes: [{ path: '/api', upstream: upstream.url }],
    forwardAuth: { path: '/authorize' },
  };
  const gateway = await startGateway(config);
  const reload = (changes: object) => gateway.reload({ ...config, ...changes });
  return { gateway, reload, server, introspection, jwt, upstream };
}

describe('a reload', () => {
  it.each([
    ['of the fast lane', format('GET', '/api', [authorization])],
    ['of the general lane', format('POST', '/api', [authorization, 'Content-Length: 2'], 'ok')],
    ['of another gateway', format('GET', '/authorize', [authorization])],
  ])('lets a request %s end that waits for the authorization server', async (_title, bytes) => {
    const { gateway, reload, server, introspection, jwt, upstream } = await start();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      server.answer(async (connection, request) => {
        resolve();
        await new Promise<void>((go) => {
          answer = go;
        });
        await reply(200, jwtType, jwt)(connection, request);
      });
    });
    const answered = exchange(gateway.url, bytes);
    await asked;
    await reload({
      introspection: { ...introspection, timeoutSeconds: 30 },
      routes: [{ path: '/new', upstream: upstream.url }],
    });
    // the new configuration is in force, and the old one has nothing left but this
    expect((await exchange(gateway.url, format('GET', '/api')))?.status).toBe(404);
    answer();
    expect((await answered)?.status).toBe(200);
  });

  it('keeps what it knows of tokens, unless another server is to be asked', async () => {
    const { gateway, reload, server, introspection, upstream } = await start();
    const ask = async () => (await exchange(gateway.url, format('GET', '/new', [authorization])))?.status;
    expect((await exchange(gateway.url, format('GET', '/api', [authorization])))?.status).toBe(200);
    const routes = [{ path: '/new', upstream: upstream.url }];
    await reload({ routes });
    expect(await ask()).toBe(200);
    expect(server.calls.length).toBe(1);
    await reload({ routes, introspection: { ...introspection, audience: 'other' } });
    await expect.poll(ask).toBe(401);
  });
});
