import { type PhantomTokenEnv, phantomToken } from '@phantom-token/adapter-hono';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';

const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
});

export const app = new Hono<PhantomTokenEnv>();
app.use(phantomToken({ client, requiredScopes: ['read'] }));
app.get('/me', (c) => c.json(c.var.accessToken.claims.sub));
app.all('/api/*', (c) => proxy(`https://api.internal${c.req.path}`, { headers: c.req.raw.headers }));
