import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthorizer, NodeRequest } from '@phantom-token/core';
import type { Serve } from '../src/index.js';

/** An adapter for node:http, made of what core exports, and its harness, in one. */
export const serve: Serve = async (options, report) => {
  const authorizer = createAuthorizer(options);
  const server = createServer((request, response) =>
    authorizer.guard<unknown>(
      new NodeRequest(request),
      (token, headers) => {
        if (response.destroyed) return;
        authorizer.rewrite.message(request, token);
        response.writeHead(200, { ...headers });
        response.end(
          JSON.stringify(report(request.headers.authorization, token, (name) => request.headers[name])),
        );
      },
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
    ),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
};
