import { phantomToken } from '@phantom-token/adapter-express';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import express from 'express';

const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
});

const app = express();
app.use(phantomToken({ client }));
app.get('/me', (request, response) => void response.json(request.accessToken?.claims.sub));
app.get(
  '/admin',
  phantomToken({ client, requiredScopes: ['admin'] }),
  (_request, response) => void response.end(),
);
app.listen(3000);
