import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AdapterOptions,
  type Challenge,
  createAuthorizer,
  type JwtAccessToken,
  NodeRequest,
  type PassHeaders,
} from '@phantom-token/core';
import { shareShape } from '@phantom-token/core/shared-shape';

export { type DocumentHandler, serveDocument } from './serve-document.js';

declare global {
  namespace Express {
    interface Request {
      /** The JWT behind the presented token; set by `phantomToken`. */
      accessToken?: JwtAccessToken;
    }
  }
}

/** Middleware for Express and whatever else takes `(request, response, next)`. */
export type PhantomTokenMiddleware = (
  request: IncomingMessage & { accessToken?: JwtAccessToken; originalUrl?: string },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Lets a request pass whose opaque token stands for a JWT, with `request.accessToken` set and, unless switched off, its
 * Authorization replaced by `Bearer <JWT>`. Answers every other request itself (RFC 6750 §3).
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function phantomToken(options: AdapterOptions): PhantomTokenMiddleware {
  const authorizer = createAuthorizer(options);
  return (request, response, next) => {
    shareShape(request);
    shareShape(response);
    const pass = (token: JwtAccessToken, headers: PassHeaders) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (response.destroyed) return;
      request.accessToken = token;
      authorizer.rewrite.message(request, token);
      for (const name in headers) response.setHeader(name, headers[name] ?? '');
      next();
    };
    const refuse = ({ status, headers, body }: Challenge) => {
      response.writeHead(status, headers).end(body);
    };
    // Express cuts off the path that a router is mounted at
    const asked = new NodeRequest(request, request.accessToken, request.originalUrl);
    const outcome = authorizer.guard(asked, pass, refuse);
    if (outcome instanceof Promise) outcome.catch(next);
  };
}
