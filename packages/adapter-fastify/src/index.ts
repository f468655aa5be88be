import {
  type AdapterOptions,
  type Challenge,
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

// a plugin without a scope of its own, so that its hook guards the routes beside it
const metadata = { fastify: '5.x', name: '@phantom-token/adapter-fastify' };

/**
 * Lets a request pass whose opaque token stands for a JWT, with `request.accessToken` set and, unless switched off, its
 * Authorization replaced by `Bearer <JWT>`. Answers every other request itself (RFC 6750 §3). Guards the routes of the
 * scope it is registered in: `app.register(phantomToken, options)` or `app.register(phantomToken(options))`.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function phantomToken(options: AdapterOptions): FastifyPluginCallback;
export function phantomToken(app: FastifyInstance, options: AdapterOptions, done: () => void): void;
export function phantomToken(...given: [AdapterOptions] | [FastifyInstance, AdapterOptions, () => void]) {
  if (given.length === 3) return install(given[0], createHook(given[1]), given[2]);
  const hook = createHook(given[0]);
  return fastifyPlugin((app, _options, done) => install(app, hook, done), metadata);
}
fastifyPlugin(phantomToken as FastifyPluginCallback<AdapterOptions>, metadata);

function install(app: FastifyInstance, hook: onRequestHookHandler, done: () => void): void {
  if (!app.hasRequestDecorator('accessToken')) app.decorateRequest('accessToken');
  app.addHook('onRequest', hook);
  done();
}

function createHook(options: AdapterOptions): onRequestHookHandler {
  const authorizer = createAuthorizer(options);
  return (request, reply, done) => {
    const pass = (token: JwtAccessToken) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (reply.raw.destroyed) return;
      request.accessToken = token;
      if (authorizer.replaceAuthorization) replaceAuthorization(request.raw, token.jwt);
      done();
    };
    const refuse = ({ status, headers, body }: Challenge) => {
      // bytes, since Fastify adds a charset to the media type of a string
      reply.code(status).headers(headers).send(Buffer.from(body));
    };
    const { method = '', url = '', rawHeaders } = request.raw;
    const authorization = readAuthorization(rawHeaders);
    const outcome = authorizer.guard(
      { method, url, authorization, accessToken: request.accessToken },
      pass,
      refuse,
    );
    if (outcome instanceof Promise) outcome.catch(done);
  };
}
