import { clientSecretBasic, createPhantomTokenClient, jwksDocument, jwtMinter } from '@phantom-token/core';
import { fileSecret } from '@phantom-token/core/node';

const minter = jwtMinter({
  issuer: 'https://gateway.example.com',
  audience: 'orders',
  keys: fileSecret('/run/secrets/minting.pem'),
});

export const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth2/introspect',
  clientAuth: clientSecretBasic('gateway', fileSecret('/run/secrets/client-secret')),
  accept: 'application/json',
  audience: 'https://api.example.com',
  mintJwt: minter,
});

/** For `serveDocument` of an adapter: the API verifies the JWTs with these keys. */
export const keys = jwksDocument(minter);
