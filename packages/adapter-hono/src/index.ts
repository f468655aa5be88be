import {
  type AdapterOptions,
  type AuthorizeRequest,
  type Challenge,
  createAuthorizer,
  type JwtAccessToken,
  type NodeHeaders,
  type NodeMessage,
  NodeRequest,
  type PassHeaders,
  type Rewrite,
} from '@phantom-token/core';
import type { Context, MiddlewareHandler } from 'hono';
import { hasMadeHeaders } from './lazy-headers.js';

export { type DocumentHandler, serveDocument } from './serve-document.js';

/** What the middleware adds to the context: `c.var.accessToken`, the JWT behind the presented token. */
export interface PhantomTokenEnv {
  Variables: { accessToken: JwtAccessToken };
}

/**
 * Middleware for Hono: lets a request pass whose opaque token stands for a JWT, with `c.var.accessToken` set and, unless
 * switched off, its Authorization replaced by `Bearer <JWT>`. Answers every other request itself (RFC 6750 §3).
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function phantomToken(options: AdapterOptions): MiddlewareHandler<PhantomTokenEnv> {
  const authorizer = createAuthorizer(options);
  // no async functions and no promises but those that are needed: on a hit they would cost more than all else
  return (c, next) => {
    let waited = false;
    const pass = (token: JwtAccessToken, headers: PassHeaders) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (waited && c.req.raw.signal.aborted) return Promise.resolve(new Response(null, { status: 499 }));
      c.set('accessToken', token);
      forward(c, token, authorizer.rewrite);
      for (const name in headers) c.header(name, headers[name]);
      return next();
    };
    const refuse = ({ status, headers, body }: Challenge) =>
      Promise.resolve(c.body(body, status, { ...headers }));
    const outcome = authorizer.guard(describe(c), pass, refuse);
    waited = true;
    return outcome;
  };
}

type Message = NodeMessage & NodeHeaders;

/** On Node, `@hono/node-server` hands us the message that its lazy Request is made from. */
const nodeMessage = (c: Context): Message | undefined => c.env?.incoming;

function describe(c: Context): AuthorizeRequest {
  const message = nodeMessage(c);
  const accessToken = c.get('accessToken');
  if (message !== undefined) return new NodeRequest(message, accessToken, c.req.url);
  const { method, url } = c.req;
  const field = (name: string) => [c.req.header(name) ?? []].flat();
  return {
    method,
    url,
    accessToken,
    authorization: c.req.header('Authorization'),
    dpop: c.req.header('DPoP'),
    field,
  };
}

function forward(c: Context, token: JwtAccessToken, rewrite: Rewrite): void {
  const message = nodeMessage(c);
  if (message !== undefined) rewrite.message(message, token);
  // those that are made of the message from now on are right
  if (message !== undefined && !hasMadeHeaders(c.req.raw)) return;
  const headers = rewrite.headers(c.req.raw.headers, token);
  if (headers !== undefined) c.req.raw = new Request(c.req.raw, { headers });
}
