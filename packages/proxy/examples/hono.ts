import { type HttpBindings, serve } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { createForwarder } from '@phantom-token/proxy';
import { Hono } from 'hono';

const forward = createForwarder({ upstream: 'http://127.0.0.1:4000' });

const app = new Hono<{ Bindings: HttpBindings }>();
app.all('/api/*', ({ env }) => {
  forward(env.incoming, env.outgoing);
  return RESPONSE_ALREADY_SENT;
});
// with its own Response, the server would answer HEAD itself
serve({ fetch: app.fetch, port: 3000, overrideGlobalObjects: false });
