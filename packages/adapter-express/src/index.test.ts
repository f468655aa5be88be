import type { AddressInfo } from 'node:net';
import { adapterCases, type Serve } from '@phantom-token/conformance';
import express from 'express';
import { describe, it } from 'vitest';
import { phantomToken } from './index.js';

const serve: Serve = (options, report) =>
  new Promise((resolve) => {
    const app = express();
    app.use(phantomToken(options));
    app.use(
      (request, response) =>
        void response.json(
          report(request.headers.authorization, request.accessToken, (name) => request.headers[name]),
        ),
    );
    const server = app.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => server.closeAllConnections() ?? server.close(),
      });
    });
  });

describe('Express', () => {
  for (const { title, run } of adapterCases) it(title, () => run(serve));
});
