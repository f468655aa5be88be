import {
  type AdapterOptions,
  type AuthorizeRequest,
  type Authorizer,
  clientSecretBasic,
  createAuthorizer,
  createPhantomTokenClient,
  type JwtAccessToken,
  jwtMinter,
  type PhantomTokenClient,
  type PhantomTokenClientOptions,
} from '@phantom-token/core';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { audience, issueJwt, issuer, token, usualClaims } from './authorization-server.js';

export interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function makeKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: '1' } };
}

export const bearerRequest: AuthorizeRequest = {
  method: 'GET',
  url: '/orders',
  authorization: `Bearer ${token}`,
};

type ClientOptions = Partial<PhantomTokenClientOptions>;

/** A client that has asked an authorization server about `token`, and knows the JWT behind it, with these claims. */
export async function createHotClient(
  { privateKey }: Key,
  options: ClientOptions = {},
  claims: object = {},
): Promise<PhantomTokenClient> {
  const jwt = await issueJwt(privateKey, claims);
  return heat(options, () => jwtResponse(jwt));
}

/** The same where the server answers with claims alone, and the JWT is of our making. */
export async function createHotMintingClient({ privateKey }: Key): Promise<PhantomTokenClient> {
  const mintJwt = jwtMinter({ issuer: 'https://gateway.example.com', keys: privateKey });
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const answer = { active: true, token_type: 'Bearer', iss: issuer, aud: audience, exp, ...usualClaims };
  return heat({ mintJwt, accept: 'application/json' }, () => Response.json(answer));
}

/** A client whose authorization server answers with this JWT. */
export const createClientOf = (jwt: string, options: ClientOptions): PhantomTokenClient =>
  createClient(options, () => jwtResponse(jwt));

const jwtResponse = (jwt: string) => new Response(jwt, { headers: { 'Content-Type': 'application/jwt' } });

async function heat(options: ClientOptions, answer: () => Response): Promise<PhantomTokenClient> {
  const client = createClient(options, answer);
  await client.exchange(token);
  return client;
}

const createClient = (options: ClientOptions, answer: () => Response): PhantomTokenClient =>
  createPhantomTokenClient({
    introspectionEndpoint: `${issuer}/introspect`,
    clientAuth: clientSecretBasic('benchmark', 'secret'),
    maxTtlSeconds: 3600,
    fetch: async () => answer(),
    ...options,
  });

export type Guard = Authorizer['authorize'];

/** A guard that has seen a request and lets it pass from memory; whatever else it does would be quick for the wrong reason. */
export async function createHotGuard(
  options: AdapterOptions,
  request: AuthorizeRequest = bearerRequest,
): Promise<Guard> {
  const { authorize } = createAuthorizer(options);
  await authorize(request);
  assertHot(await authorize(request));
  return authorize;
}

export function assertHot(found: JwtAccessToken | Promise<JwtAccessToken>): void {
  if (found instanceof Promise || found.source !== 'memory') throw new Error('memory did not have the JWT');
}
