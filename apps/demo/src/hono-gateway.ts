import { createAdaptorServer } from '@hono/node-server';
import { phantomToken } from '@phantom-token/adapter-hono';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import type { StartGateway } from './gateway.js';
import { listen } from './listening.js';

export const startHonoGateway: StartGateway = ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const app = new Hono();
  if (guarded) {
    app.use(phantomToken({ client, replaceAuthorization }));
    app.use('/orders', phantomToken({ client, requiredScopes, replaceAuthorization }));
  }
  app.all('*', (c) => proxy(`${upstream}${c.req.path}`, { ...c.req, headers: c.req.raw.headers }));
  return listen(createAdaptorServer({ fetch: app.fetch }));
};
