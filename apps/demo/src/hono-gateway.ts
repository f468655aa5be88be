import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { phantomToken } from '@phantom-token/adapter-hono';
import { createForwarder } from '@phantom-token/proxy';
import { Hono } from 'hono';
import type { StartGateway } from './gateway.js';
import { listen } from './listening.js';

export const startHonoGateway: StartGateway = ({
  client,
  upstream,
  requiredScopes,
  guarded,
  replaceAuthorization,
}) => {
  const forward = createForwarder({ upstream });
  const app = new Hono<{ Bindings: HttpBindings }>();
  if (guarded) {
    app.use(phantomToken({ client, replaceAuthorization }));
    app.use('/orders/*', phantomToken({ client, requiredScopes, replaceAuthorization }));
  }
  app.all('*', ({ env }) => {
    forward(env.incoming, env.outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  // with its own Response, the server would answer HEAD itself
  return listen(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }));
};
