import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { canaries, jwt, patientSeconds, startScriptedServer } from '@phantom-token/conformance';
import { clientSecretBasic, createPhantomTokenClient, type PhantomTokenClient } from '@phantom-token/core';
import { type Context, Hono } from 'hono';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type PhantomTokenEnv, phantomToken } from './index.js';

async function setUp() {
  const server = await startScriptedServer();
  onTestFinished(() => server.close());
  server.answer(jwt());
  const client = createPhantomTokenClient({
    introspectionEndpoint: server.endpoint,
    clientAuth: clientSecretBasic('hono', canaries.secret),
    timeoutSeconds: patientSeconds,
    now: () => 1_800_000_000,
  });
  return { server, client, app: new Hono<PhantomTokenEnv>() };
}

const headers = { Authorization: `Bearer ${canaries.token}` };

/** Whether text is our token or holds it; said so that a failure prints neither. */
const isSwapped = (field: string | null | undefined) => field?.startsWith('Bearer eyJ') === true;

async function listen(app: Hono<PhantomTokenEnv>) {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('asks more of some routes than of others, with one introspection', async () => {
  const { server, client, app } = await setUp();
  app.use(phantomToken({ client }));
  app.get('/read', phantomToken({ client, requiredScopes: ['read'] }), (c) => c.text('read'));
  app.get('/admin', phantomToken({ client, requiredScopes: ['admin'] }), (c) => c.text('admin'));
  expect((await app.request('/read', { headers })).status).toBe(200);
  expect((await app.request('/admin', { headers })).status).toBe(403);
  expect(server.calls.length).toBe(1);
});

it('replaces the header of a bare Fetch request, and leaves its body alone', async () => {
  const { client, app } = await setUp();
  app.use(phantomToken({ client }));
  app.post('/', async (c) =>
    c.json([
      isSwapped(c.req.header('Authorization')),
      isSwapped(c.req.raw.headers.get('authorization')),
      await c.req.text(),
    ]),
  );
  const response = await app.request('/', { method: 'POST', headers, body: 'a body' });
  expect(await response.json()).toEqual([true, true, 'a body']);
});

describe.each<[string, (c: Context) => void]>([
  ['nobody looked at any before', () => {}],
  ['somebody looked at one', (c) => void c.req.header('x-any')],
  ['somebody listed them', (c) => void [...c.req.raw.headers]],
  [
    'somebody made a request of their own',
    (c) => {
      c.req.raw = new Request(c.req.raw);
    },
  ],
])('replaces the header on Node when %s', (_title, look) => {
  // where the lazy ones are kept is found out with the first request of a process
  it.each([
    ['with the first request', 0],
    ['after others that nobody looked at', 2],
  ])('%s', async (_when, before) => {
    vi.resetModules();
    const { phantomToken } = await import('./index.js');
    const { client, app } = await setUp();
    let count = 0;
    app.use(async (c, next) => {
      if (count++ >= before) look(c);
      await next();
    });
    app.use(phantomToken({ client }));
    app.get('/', (c) =>
      c.json(
        [
          c.req.raw.headers.get('authorization'),
          c.req.header('Authorization'),
          ...new Headers(c.req.raw.headers).values(),
        ].map(isSwapped),
      ),
    );
    const url = await listen(app);
    for (let index = 0; index < before + 2; index++) {
      const seen = await (await fetch(url, { headers })).json();
      expect(seen.slice(0, 2)).toEqual([true, true]);
      expect(seen.slice(2).filter(Boolean)).toHaveLength(1);
    }
  });
});

it('leaves the header alone where told so', async () => {
  const { client, app } = await setUp();
  app.use(phantomToken({ client, replaceAuthorization: false }));
  app.get('/', (c) => c.json(isSwapped(c.req.header('Authorization'))));
  expect(await (await app.request('/', { headers })).json()).toBe(false);
});

it('keeps the headers that middleware in front has set on a refusal', async () => {
  const { client, app } = await setUp();
  app.use(async (c, next) => {
    c.header('Access-Control-Allow-Origin', '*');
    await next();
  });
  app.use(phantomToken({ client, requiredScopes: ['admin'] }));
  const response = await app.request('/', { headers });
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, '*']);
});

it.each<[string, PhantomTokenClient['exchangeOrWait']]>([
  [
    'thrown',
    () => {
      throw new RangeError('bug');
    },
  ],
  ['rejected', () => Promise.reject(new RangeError('bug'))],
])('hands errors that are no refusals, %s, to the error handler', async (_title, exchangeOrWait) => {
  const { client, app } = await setUp();
  app.use(phantomToken({ client: { ...client, exchangeOrWait } }));
  app.onError((error, c) => c.text(error.message, 500));
  const response = await app.request('/', { headers });
  expect([response.status, await response.text()]).toEqual([500, 'bug']);
});
