import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Authorizer, createAuthorizer, type JwtAccessToken, NodeRequest } from '@phantom-token/core';
import type { Serve } from '../src/index.js';

/** An adapter for node:http, made of what core exports, and its harness, in one. */
export const serve: Serve = async (options, report) => {
  const authorizer = createAuthorizer(options);
  const server = createServer((request, response) =>
    authorizer.guard<unknown>(
      new NodeRequest(request),
      (token, headers) => {
        if (response.destroyed) return;
        const sees = rewrite(request, token, authorizer.rewrite);
        response.writeHead(200, { ...headers });
        response.end(JSON.stringify(report(sees('authorization') ?? undefined, token, sees)));
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

/** Puts the JWT on, in each of the ways that core has for it, and tells what all of them come to. */
function rewrite(
  request: IncomingMessage,
  token: JwtAccessToken,
  { message, headers }: Authorizer['rewrite'],
) {
  const sent = new Headers();
  for (const [name, value] of pairs(request)) sent.append(name, value);
  const fetched = headers(sent, token) ?? sent;
  message(request, token);
  return (name: string) => {
    const raw = pairs(request).flatMap(([own, value]) => (own.toLowerCase() === name ? [value] : []));
    const parsed = [request.headers[name] ?? []].flat();
    const [first, ...others] = new Set([raw.join(', '), parsed.join(', '), fetched.get(name) ?? '']);
    if (others.length > 0) return 'rawHeaders, headers and Headers differ';
    return raw.length === 0 ? null : first;
  };
}

const pairs = ({ rawHeaders }: IncomingMessage) =>
  rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
