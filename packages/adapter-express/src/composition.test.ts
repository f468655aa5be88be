import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { canaries, jwt, patientSeconds, startScriptedServer } from '@phantom-token/conformance';
import { clientSecretBasic, createPhantomTokenClient, type PhantomTokenClient } from '@phantom-token/core';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { phantomToken } from './index.js';

async function setUp() {
  const server = await startScriptedServer();
  onTestFinished(() => server.close());
  server.answer(jwt());
  const client = createPhantomTokenClient({
    introspectionEndpoint: server.endpoint,
    clientAuth: clientSecretBasic('express', canaries.secret),
    timeoutSeconds: patientSeconds,
    now: () => 1_800_000_000,
  });
  return { server, client };
}

async function get(app: Express, path = '/') {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const headers = { Authorization: `Bearer ${canaries.token}` };
  return fetch(`http://127.0.0.1:${port}${path}`, { headers });
}

it('asks more of some routes than of others, with one introspection', async () => {
  const { server, client } = await setUp();
  const app = express();
  app.use(phantomToken({ client }));
  app.get(
    '/read',
    phantomToken({ client, requiredScopes: ['read'] }),
    (_request, response) => void response.end(),
  );
  app.get(
    '/admin',
    phantomToken({ client, requiredScopes: ['admin'] }),
    (_request, response) => void response.end(),
  );
  expect((await get(app, '/read')).status).toBe(200);
  expect((await get(app, '/admin')).status).toBe(403);
  expect(server.calls.length).toBe(1);
});

it('keeps the headers that middleware in front has set on a refusal', async () => {
  const { client } = await setUp();
  const app = express();
  app.use((_request, response, next) => {
    response.set('Access-Control-Allow-Origin', '*');
    next();
  });
  app.use(phantomToken({ client, requiredScopes: ['admin'] }));
  const response = await get(app);
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
  const { client } = await setUp();
  const app = express();
  app.use(phantomToken({ client: { ...client, exchangeOrWait } }));
  const handle: ErrorRequestHandler = (error, _request, response, _next) =>
    void response.status(500).send(error.message);
  app.use(handle);
  const response = await get(app);
  expect([response.status, await response.text()]).toEqual([500, 'bug']);
});

it('gives requests, and responses, one hidden class between them, though Express changes their prototypes', async () => {
  setFlagsFromString('--allow-natives-syntax');
  const shareHiddenClass = new Function('a', 'b', 'return %HaveSameMap(a, b)');
  const { client } = await setUp();

  async function isShared(): Promise<boolean> {
    const seen: [Request, Response][] = [];
    const app = express();
    app.use(phantomToken({ client }));
    app.use((request, response) => void seen.push([request, response]));
    const answers = [];
    for (const count of [1, 2, 3]) {
      answers.push(get(app));
      await expect.poll(() => seen).toHaveLength(count);
    }
    for (const [, response] of seen) response.end();
    await Promise.all(answers);
    const [, first, second] = seen;
    return [0, 1].every((side) => shareHiddenClass(first?.[side], second?.[side]));
  }

  // the engine keeps few such classes, by a hash: those of an app may be in each other's way, and a collection drops all
  let isEverShared = false;
  for (let apps = 0; apps < 20 && !isEverShared; apps++) isEverShared = await isShared();
  expect(isEverShared).toBe(true);
});
