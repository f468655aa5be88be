import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthorizer, readAuthorization, replaceAuthorization } from '@phantom-token/core';
import type { Serve } from '../src/index.js';

/** A third party's adapter and its harness in one, made of what core exports. */
export const serve: Serve = async (options, report) => {
  const authorizer = createAuthorizer(options);
  const server = createServer(async (request, response) => {
    try {
      const { method = '', url = '', rawHeaders } = request;
      const token = await authorizer.authorize({ method, url, authorization: readAuthorization(rawHeaders) });
      if (response.destroyed) return;
      if (authorizer.replaceAuthorization) replaceAuthorization(request, token.jwt);
      response.end(JSON.stringify(report(request.headers.authorization, token)));
    } catch (error) {
      const { status, headers, body } = authorizer.challenge(error);
      response.writeHead(status, headers).end(body);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
};
