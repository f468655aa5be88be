import { type PhantomTokenEnv, phantomToken, serveDocument } from '@phantom-token/adapter-hono';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  jwksDocument,
  jwtMinter,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from '@phantom-token/core';
import { Hono } from 'hono';

/** What the runtime gives: `c.env` on Workers, `process.env` or files elsewhere. */
export function createApp(secrets: { readonly client: string; readonly minting: string }) {
  const resource = 'https://api.example.com/orders';
  const minter = jwtMinter({ issuer: 'https://api.example.com', audience: 'orders', keys: secrets.minting });
  const client = createPhantomTokenClient({
    introspectionEndpoint: 'https://login.example.com/oauth2/introspect',
    clientAuth: clientSecretBasic('orders', secrets.client),
    accept: 'application/json',
    audience: resource,
    mintJwt: minter,
  });

  const resourceMetadata = resourceMetadataUrl(resource);
  const metadata = resourceMetadataDocument({
    resource,
    authorizationServers: ['https://login.example.com'],
  });

  const app = new Hono<PhantomTokenEnv>();
  app.all(new URL(resourceMetadata).pathname, serveDocument(metadata));
  app.all('/.well-known/jwks.json', serveDocument(jwksDocument(minter)));
  app.use(phantomToken({ client, resourceMetadata, claimHeaders: { 'X-User': 'sub' } }));
  app.get('/orders', (c) => c.json(c.req.header('X-User')));
  return app;
}
