import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clientSecretBasic, createPhantomTokenClient, type PhantomTokenClient } from '@phantom-token/core';
import { type CryptoKey, generateKeyPair, SignJWT } from 'jose';

export const token = '2YotnFZFEjr1zCsicMWpAA';
export const issuer = 'https://login.example.com';
export const audience = 'https://api.example.com';

export interface Issued {
  readonly client: PhantomTokenClient;
  readonly jwt: string;
  readonly publicKey: CryptoKey;
}

export const usualClaims = {
  scope: 'openid profile read write',
  client_id: 'web',
  sub: 'b2f9c1d4',
  jti: '7c0e',
} as const;

/** A JWT of the usual size, good for an hour. */
export const issueJwt = (privateKey: CryptoKey, claims: object = {}): Promise<string> =>
  new SignJWT({ ...usualClaims, ...claims })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: '1' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);

/** A client of an authorization server that answers with one JWT, signed with RS256 and of the usual size. */
export async function startAuthorizationServer(): Promise<Issued> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwt = await issueJwt(privateKey);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(jwt);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const client = createPhantomTokenClient({
    introspectionEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`,
    clientAuth: clientSecretBasic('benchmark', 'secret'),
    maxTtlSeconds: 3600,
  });
  return { client, jwt, publicKey };
}
