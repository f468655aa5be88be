import { phantomToken } from '@phantom-token/adapter-fastify';
import { createForwarder } from '@phantom-token/proxy';
import Fastify, { type RouteHandlerMethod } from 'fastify';
import type { StartGateway } from './gateway.js';

export const startFastifyGateway: StartGateway = async ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const forward = createForwarder({ upstream });
  const handler: RouteHandlerMethod = (request, reply) => {
    reply.hijack();
    forward(request.raw, reply.raw);
  };
  const app = Fastify({ forceCloseConnections: true });
  // bodies stay what they are: nobody reads them here
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  if (guarded) app.register(phantomToken, { client, replaceAuthorization });
  app.register(async (orders) => {
    if (guarded) orders.register(phantomToken, { client, requiredScopes, replaceAuthorization });
    orders.all('/orders', handler);
    orders.all('/orders/*', handler);
  });
  app.all('/*', handler);
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
};
