import {
  type AdapterOptions,
  createAuthorizer,
  type JwtAccessToken,
  readAuthorization,
  replaceAuthorization,
} from '@phantom-token/core';
import type { FastifyInstance, FastifyPluginCallback, onRequestHookHandler } from 'fastify';
import fastifyPlugin from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** The JWT behind the presented token; set by `phantomToken`. */
    accessToken: JwtAccessToken;
  }
}

/**
 * Plugin for Fastify: lets a request pass whose opaque token stands for a JWT, with `request.accessToken` set and,
 * unless switched off, its Authorization replaced by `Bearer <JWT>`. Answers every other request itself (RFC 6750 §3).
 * Guards the routes of the scope it is registered in: `app.register(phantomToken, options)`, or
 * `app.register(phantomToken(options))`.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function phantomToken(options: AdapterOptions): FastifyPluginCallback;
export function phantomToken(app: FastifyInstance, options: AdapterOptions, done: () => void): void;
export function phantomToken(
  first: AdapterOptions | FastifyInstance,
  options?: AdapterOptions,
  done?: () => void,
): FastifyPluginCallback | undefined {
  if (options === undefined || done === undefined) {
    const guard = createGuard(first as AdapterOptions);
    return fastifyPlugin((app, _options, ready) => install(app, guard, ready), {
      name: '@phantom-token/adapter-fastify',
    });
  }
  install(first as FastifyInstance, createGuard(options), done);
  return undefined;
}

// without its own scope, so that the hook guards the routes beside it
fastifyPlugin(phantomToken as FastifyPluginCallback<AdapterOptions>, {
  fastify: '5.x',
  name: '@phantom-token/adapter-fastify',
});

function install(app: FastifyInstance, guard: onRequestHookHandler, done: () => void): void {
  if (!app.hasRequestDecorator('accessToken')) app.decorateRequest('accessToken');
  app.addHook('onRequest', guard);
  done();
}

function createGuard(options: AdapterOptions): onRequestHookHandler {
  const authorizer = createAuthorizer(options);
  return (request, reply, done) => {
    const pass = (token: JwtAccessToken) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (reply.raw.destroyed) return;
      request.accessToken = token;
      if (authorizer.replaceAuthorization) replaceAuthorization(request.raw, token.jwt);
      done();
    };
    const refuse = (error: unknown) => {
      try {
        const { status, headers, body } = authorizer.challenge(error);
        // bytes, since Fastify adds a charset to the media type of a string
        reply.code(status).headers(headers).send(Buffer.from(body));
      } catch (unexpected) {
        done(unexpected as Error);
      }
    };
    let token: JwtAccessToken | Promise<JwtAccessToken>;
    try {
      token = authorizer.authorize({
        method: request.method,
        url: request.raw.url ?? '',
        authorization: readAuthorization(request.raw.rawHeaders),
        accessToken: request.accessToken,
      });
    } catch (error) {
      return refuse(error);
    }
    if (token instanceof Promise) token.then(pass, refuse);
    else pass(token);
  };
}
