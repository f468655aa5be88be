import { canaries, jwt, patientSeconds, startScriptedServer } from '@phantom-token/conformance';
import { clientSecretBasic, createPhantomTokenClient, type PhantomTokenClient } from '@phantom-token/core';
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { phantomToken } from './index.js';

async function setUp() {
  const server = await startScriptedServer();
  onTestFinished(() => server.close());
  server.answer(jwt());
  const client = createPhantomTokenClient({
    introspectionEndpoint: server.endpoint,
    clientAuth: clientSecretBasic('fastify', canaries.secret),
    timeoutSeconds: patientSeconds,
    now: () => 1_800_000_000,
  });
  const app = Fastify({ forceCloseConnections: true });
  onTestFinished(() => app.close());
  return { server, client, app };
}

const get = (app: FastifyInstance, url = '/', headers = { authorization: `Bearer ${canaries.token}` }) =>
  app.inject({ url, headers });

it('registers made as well as bare', async () => {
  const { client, app } = await setUp();
  app.register(phantomToken({ client, requiredScopes: ['read'] }));
  app.get('/', async ({ accessToken }) => accessToken.source);
  expect((await get(app)).body).toBe('introspection');
});

it('guards its own scope, and asks more of some routes than of others, with one introspection', async () => {
  const { server, client, app } = await setUp();
  app.get('/open', async () => 'open');
  app.register(async (guarded) => {
    guarded.register(phantomToken, { client });
    guarded.get('/read', async () => 'read');
    guarded.register(async (admin) => {
      admin.register(phantomToken, { client, requiredScopes: ['admin'] });
      admin.get('/admin', async () => 'admin');
    });
  });
  const statuses = [
    await get(app, '/open', { authorization: '' }),
    await get(app, '/read'),
    await get(app, '/admin'),
  ];
  expect(statuses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 403]);
  expect(server.calls.length).toBe(1);
});

it('keeps the headers that hooks in front have set on a refusal', async () => {
  const { client, app } = await setUp();
  app.addHook('onRequest', async (_request, reply) => void reply.header('access-control-allow-origin', '*'));
  app.register(phantomToken, { client, requiredScopes: ['admin'] });
  app.get('/', async () => 'never');
  const { statusCode, headers } = await get(app);
  expect([statusCode, headers['access-control-allow-origin']]).toEqual([403, '*']);
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
  app.setErrorHandler<Error>((error, _request, reply) => reply.code(500).send(error.message));
  app.register(phantomToken, { client: { ...client, exchangeOrWait } });
  app.get('/', async () => 'never');
  const { statusCode, body } = await get(app);
  expect([statusCode, body]).toEqual([500, 'bug']);
});

it('keeps an app with wrong options from starting', async () => {
  const { client, app } = await setUp();
  app.register(phantomToken, { client, realm: '"' });
  await expect(app.ready()).rejects.toThrow(/realm/);
});
