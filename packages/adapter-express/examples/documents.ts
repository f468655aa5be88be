import { phantomToken, serveDocument } from '@phantom-token/adapter-express';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  jwksDocument,
  jwtMinter,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import { fileSecret } from '@phantom-token/core/node';
import express from 'express';

const resource = 'https://api.example.com/orders';
const minter = jwtMinter({
  issuer: 'https://api.example.com',
  audience: 'orders',
  keys: fileSecret('/run/secrets/minting.pem'),
});
const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth2/introspect',
  clientAuth: clientSecretBasic('orders', fileSecret('/run/secrets/client-secret')),
  accept: 'application/json',
  audience: resource,
  mintJwt: minter,
});

const resourceMetadata = resourceMetadataUrl(resource);
const metadata = resourceMetadataDocument({ resource, authorizationServers: ['https://login.example.com'] });

const app = express();
app.all(new URL(resourceMetadata).pathname, serveDocument(metadata));
app.all('/.well-known/jwks.json', serveDocument(jwksDocument(minter)));
app.use(phantomToken({ client, resourceMetadata, claimHeaders: { 'X-User': 'sub' } }));
app.get('/orders', (request, response) => void response.json(request.headers['x-user']));
app.listen(3000);
