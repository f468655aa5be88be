import proxy from '@fastify/http-proxy';
import { phantomToken } from '@phantom-token/adapter-fastify';
import Fastify from 'fastify';
import type { StartGateway } from './gateway.js';

export const startFastifyGateway: StartGateway = async ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const app = Fastify({ forceCloseConnections: true });
  if (guarded) app.register(phantomToken, { client, replaceAuthorization });
  app.register(async (orders) => {
    if (guarded) orders.register(phantomToken, { client, requiredScopes, replaceAuthorization });
    orders.register(proxy, { upstream, prefix: '/orders', rewritePrefix: '/orders' });
  });
  app.register(proxy, { upstream });
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
};
