import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as listen } from '@hono/node-server';
import { adapterCases, type Serve } from '@phantom-token/conformance';
import { Hono } from 'hono';
import { describe, it } from 'vitest';
import { type PhantomTokenEnv, phantomToken } from './index.js';

const serve: Serve = (options, report) =>
  new Promise((resolve) => {
    const app = new Hono<PhantomTokenEnv>();
    app.use(phantomToken(options));
    app.all('*', (c) =>
      c.json(report(c.req.header('Authorization'), c.var.accessToken, (name) => c.req.header(name))),
    );
    const server = listen({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => server.closeAllConnections() ?? server.close(),
      }),
    ) as Server;
  });

describe('Hono', () => {
  for (const { title, run } of adapterCases) it(title, () => run(serve));
});
