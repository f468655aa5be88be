import { phantomToken } from '@phantom-token/adapter-fastify';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import Fastify from 'fastify';

const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
});

const app = Fastify();
app.register(phantomToken, { client, requiredScopes: ['read'] });
app.get('/me', async ({ accessToken }) => accessToken.claims.sub);
await app.listen({ port: 3000 });
