import {
  type AdapterOptions,
  type Challenge,
  createAuthorizer,
  type JwtAccessToken,
  NodeRequest,
  type PassHeaders,
} from '@phantom-token/core';
import type { FastifyInstance, FastifyPluginAsync, onRequestHookHandler } from 'fastify';
import fastifyPlugin from 'fastify-plugin';

export { type DocumentHandler, serveDocument } from './serve-document.js';

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
export function phantomToken(options: AdapterOptions): FastifyPluginAsync;
export function phantomToken(app: FastifyInstance, options: AdapterOptions): Promise<void>;
export function phantomToken(
  first: AdapterOptions | FastifyInstance,
  options?: AdapterOptions,
): FastifyPluginAsync | Promise<void> {
  if (options !== undefined) return install(first as FastifyInstance, options);
  const hook = createHook(first as AdapterOptions);
  return fastifyPlugin(async (app) => addHook(app, hook), metadata);
}
fastifyPlugin(phantomToken as FastifyPluginAsync<AdapterOptions>, metadata);

const install = async (app: FastifyInstance, options: AdapterOptions) => addHook(app, createHook(options));

function addHook(app: FastifyInstance, hook: onRequestHookHandler): void {
  if (!app.hasRequestDecorator('accessToken')) app.decorateRequest('accessToken');
  app.addHook('onRequest', hook);
}

function createHook(options: AdapterOptions): onRequestHookHandler {
  const authorizer = createAuthorizer(options);
  return (request, reply, done) => {
    const pass = (token: JwtAccessToken, headers: PassHeaders) => {
      // the client may have left while we waited: nothing is to happen on its behalf
      if (reply.raw.destroyed) return;
      request.accessToken = token;
      authorizer.rewrite.message(request.raw, token);
      if (headers !== undefined) reply.headers(headers);
      done();
    };
    const refuse = ({ status, headers, body }: Challenge) => {
      // bytes, since Fastify adds a charset to the media type of a string
      reply.code(status).headers(headers).send(Buffer.from(body));
    };
    const asked = new NodeRequest(request.raw, request.accessToken, request.originalUrl);
    const outcome = authorizer.guard(asked, pass, refuse);
    if (outcome instanceof Promise) outcome.catch(done);
  };
}
