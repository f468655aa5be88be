export type { JwtAccessToken, Source } from './access-token.js';
export {
  type AdapterOptions,
  type AuthorizeOptions,
  type AuthorizeRequest,
  type Authorizer,
  authorize,
  createAuthorizer,
} from './authorize.js';
export type { CacheEntry, Claims, IntrospectionResult, TokenCache } from './cache.js';
export { type Challenge, type ChallengeOptions, challenge } from './challenge.js';
export { createPhantomTokenClient, type PhantomTokenClient, type WaitOptions } from './client.js';
export {
  type ClientAssertionOptions,
  type ClientSecretJwtOptions,
  clientSecretJwt,
  type PrivateKey,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
} from './client-assertion.js';
export {
  bearerAuth,
  type ClientAuth,
  type ClientAuthContext,
  type ClientSecretBasicOptions,
  clientSecretBasic,
  clientSecretPost,
  tlsClientAuth,
} from './client-auth.js';
export type { PhantomTokenClientOptions } from './client-options.js';
export { type DiscoveredServer, type DiscoverOptions, discover } from './discovery.js';
export {
  BearerError,
  type BearerErrorCode,
  IntrospectionError,
  type IntrospectionErrorCode,
  type IntrospectionErrorOptions,
  type Rfc6750Error,
} from './errors.js';
export type { PhantomTokenEvent, WarningCode } from './events.js';
export type { Fetch } from './http-exchange.js';
export { type JwtVerifier, type JwtVerifierOptions, jwtVerifier } from './jwt-verifier.js';
export { type MemoryCacheOptions, memoryCache } from './memory-cache.js';
export { readAuthorization, replaceAuthorization } from './raw-headers.js';
export type { Secret } from './secret.js';
export { tieredCache } from './tiered-cache.js';
