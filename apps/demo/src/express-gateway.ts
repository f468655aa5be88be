import { createServer } from 'node:http';
import { phantomToken } from '@phantom-token/adapter-express';
import { createForwarder } from '@phantom-token/proxy';
import express from 'express';
import type { StartGateway } from './gateway.js';
import { listen } from './listening.js';

export const startExpressGateway: StartGateway = ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const forward = createForwarder({ upstream });
  const app = express();
  if (guarded) {
    app.use(phantomToken({ client, replaceAuthorization }));
    app.use('/orders', phantomToken({ client, requiredScopes, replaceAuthorization }));
  }
  app.use((request, response) => forward(request, response));
  return listen(createServer(app));
};
