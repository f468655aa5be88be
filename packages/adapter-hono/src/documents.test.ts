import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as listen } from '@hono/node-server';
import { documentCases, type ServeDocument } from '@phantom-token/conformance';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { serveDocument } from './index.js';

const serve: ServeDocument = (document) =>
  new Promise((resolve) => {
    const app = new Hono();
    app.all('*', serveDocument(document));
    const server = listen({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => server.closeAllConnections() ?? server.close(),
      }),
    ) as Server;
  });

describe('Hono', () => {
  for (const { title, run } of documentCases) it(title, () => run(serve));
});

it('keeps the headers that middleware in front has set', async () => {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header('X-Front', 'yes');
    await next();
  });
  app.all('/document', serveDocument({ headers: { 'X-Own': 'yes' }, body: () => 'text' }));
  const { headers } = await app.request('/document');
  expect([headers.get('X-Front'), headers.get('X-Own')]).toEqual(['yes', 'yes']);
});
