import { createServer } from 'node:http';
import { phantomToken } from '@phantom-token/adapter-express';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import type { StartGateway } from './gateway.js';
import { listen } from './listening.js';

export const startExpressGateway: StartGateway = ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const app = express();
  if (guarded) {
    app.use(phantomToken({ client, replaceAuthorization }));
    app.use('/orders', phantomToken({ client, requiredScopes, replaceAuthorization }));
  }
  app.use(createProxyMiddleware({ target: upstream }));
  return listen(createServer(app));
};
