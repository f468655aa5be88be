import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AdapterOptions,
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
      if (authorizer.replaceAuthorization) replaceAuthorization(request, token.jwt);
      next();
    };
    const refuse = (error: unknown) => {
      try {
        const { status, headers, body } = authorizer.challenge(error);
        response.writeHead(status, headers).end(body);
      } catch (unexpected) {
        next(unexpected);
      }
    };
    let token: JwtAccessToken | Promise<JwtAccessToken>;
    try {
      token = authorizer.authorize({
        method: request.method ?? '',
        url: request.url ?? '',
        authorization: readAuthorization(request.rawHeaders),
        accessToken: request.accessToken,
      });
    } catch (error) {
      return refuse(error);
    }
    if (token instanceof Promise) token.then(pass, refuse);
    else pass(token);
  };
}
