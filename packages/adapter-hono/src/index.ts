import {
  type AdapterOptions,
  type Challenge,
  createAuthorizer,
  type JwtAccessToken,
  readAuthorization,
  replaceAuthorization,
} from '@phantom-token/core';
import type { Context, MiddlewareHandler } from 'hono';

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
    const pass = (token: JwtAccessToken) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (waited && c.req.raw.signal.aborted) return Promise.resolve(new Response(null, { status: 499 }));
      c.set('accessToken', token);
      if (authorizer.replaceAuthorization) forward(c, token);
      return next();
    };
    const refuse = ({ status, headers, body }: Challenge) =>
      Promise.resolve(c.body(body, status, { ...headers }));
    const { method, url } = c.req;
    const request = { method, url, authorization: readFields(c), accessToken: c.get('accessToken') };
    const outcome = authorizer.guard(request, pass, refuse);
    waited = true;
    return outcome;
  };
}

interface NodeMessage {
  readonly rawHeaders: string[];
  readonly headers: Record<string, string | string[] | undefined>;
}

/** On Node, `@hono/node-server` hands us the message that its lazy Request is made from. */
const nodeMessage = (c: Context): NodeMessage | undefined => c.env?.incoming;

function readFields(c: Context): string | readonly string[] | undefined {
  const message = nodeMessage(c);
  return message === undefined ? c.req.header('Authorization') : readAuthorization(message.rawHeaders);
}

function forward(c: Context, token: JwtAccessToken): void {
  const message = nodeMessage(c);
  if (message !== undefined) replaceAuthorization(message, token);
  // on Node the lazy headers mostly have it by now, and setting one would build them all
  if (c.req.header('Authorization') === token.authorization) return;
  const headers = new Headers(c.req.raw.headers);
  headers.set('Authorization', token.authorization);
  c.req.raw = new Request(c.req.raw, { headers });
}
