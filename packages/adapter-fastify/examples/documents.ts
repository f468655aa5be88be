import { phantomToken, serveDocument } from '@phantom-token/adapter-fastify';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  jwksDocument,
  jwtMinter,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import { fileSecret } from '@phantom-token/core/node';
import Fastify from 'fastify';

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

const app = Fastify();
app.all(new URL(resourceMetadata).pathname, serveDocument(metadata));
app.all('/.well-known/jwks.json', serveDocument(jwksDocument(minter)));
app.register(async (guarded) => {
  guarded.register(phantomToken, { client, resourceMetadata, claimHeaders: { 'X-User': 'sub' } });
  guarded.get('/orders', async ({ headers }) => headers['x-user']);
});
await app.listen({ port: 3000 });
