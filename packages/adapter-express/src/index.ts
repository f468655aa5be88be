import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AdapterOptions,
  type Challenge,
  createAuthorizer,
  type JwtAccessToken,
  readAuthorization,
  replaceAuthorization,
} from '@phantom-token/core';

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
  request: IncomingMessage & { accessToken?: JwtAccessToken },
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
    const pass = (token: JwtAccessToken) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (response.destroyed) return;
      request.accessToken = token;
      if (authorizer.replaceAuthorization) replaceAuthorization(request, token);
      next();
    };
    const refuse = ({ status, headers, body }: Challenge) => {
      response.writeHead(status, headers).end(body);
    };
    const { method = '', url = '', rawHeaders, accessToken } = request;
    const authorization = readAuthorization(rawHeaders);
    const outcome = authorizer.guard({ method, url, authorization, accessToken }, pass, refuse);
    if (outcome instanceof Promise) outcome.catch(next);
  };
}
