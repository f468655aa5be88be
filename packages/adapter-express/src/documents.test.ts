import type { AddressInfo } from 'node:net';
import { documentCases, type ServeDocument } from '@phantom-token/conformance';
import express, { type ErrorRequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { serveDocument } from './index.js';

const serve: ServeDocument = (document) =>
  new Promise((resolve) => {
    const handle: ErrorRequestHandler = (error, _request, response, _next) =>
      void response.status(500).send(error.name);
    const server = express()
      .use(serveDocument(document))
      .use(handle)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        resolve({
          url: `http://127.0.0.1:${port}`,
          close: () => server.closeAllConnections() ?? server.close(),
        });
      });
  });

describe('Express', () => {
  for (const { title, run } of documentCases) it(title, () => run(serve));
});

it('hands headers that cannot be written to the error handler', async () => {
  const { url, close } = await serve({ headers: { 'X-Own': 'a\nb' }, body: () => 'text' });
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([500, 'TypeError']);
  close();
});
