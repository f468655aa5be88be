export type { JwtAccessToken, Source } from './access-token.js';
export {
  type AdapterOptions,
  type AuthorizeOptions,
  type AuthorizeRequest,
  type Authorizer,
  authorize,
  createAuthorizer,
  type PassHeaders,
} from './authorize.js';
export type { PresentedToken, TokenScheme } from './bearer.js';
export type {
  CacheClaim,
  CacheEntry,
  Claims,
  IntrospectionResult,
  MemoryTier,
  TokenCache,
} from './cache.js';
export {
  type Challenge,
  type ChallengeOptions,
  challenge,
  type DpopOffer,
} from './challenge.js';
export { type ClaimHeaders, createClaimHeaders } from './claim-headers.js';
export { createPhantomTokenClient, type PhantomTokenClient, type WaitOptions } from './client.js';
export {
  type ClientAssertionOptions,
  type ClientSecretJwtOptions,
  clientSecretJwt,
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
export {
  type CertificateFormat,
  type CertificateRequest,
  type CertificateSource,
  parseCertificateField,
  socketCertificate,
} from './client-certificate.js';
export type { PhantomTokenClientOptions } from './client-options.js';
export { type DiscoveredServer, type DiscoverOptions, discover } from './discovery.js';
export {
  answerDocument,
  type DocumentAnswer,
  jwksDocument,
  type PublishedDocument,
  type ResourceMetadataOptions,
  resourceMetadataDocument,
  resourceMetadataUrl,
} from './documents.js';
export { type DpopNonces, type DpopNoncesOptions, dpopNonces, type NonceWindow } from './dpop-nonce.js';
export {
  type DpopOutcome,
  type DpopRequest,
  type DpopVerifier,
  type DpopVerifierOptions,
  dpopVerifier,
} from './dpop-proof.js';
export {
  BearerError,
  type BearerErrorCode,
  type BearerErrorOptions,
  type DpopFault,
  IntrospectionError,
  type IntrospectionErrorCode,
  type IntrospectionErrorOptions,
  type Rfc6750Error,
  type Rfc9449Error,
} from './errors.js';
export type { CacheOperation, PhantomTokenEvent, WarningCode } from './events.js';
export type { Fetch } from './http-exchange.js';
export { type JwtVerifier, type JwtVerifierOptions, jwtVerifier } from './jwt-verifier.js';
export {
  type LogoutAnswer,
  type LogoutReceiver,
  type LogoutReceiverOptions,
  type LogoutTarget,
  logoutReceiver,
} from './logout-receiver.js';
export { type MemoryCacheOptions, memoryCache } from './memory-cache.js';
export { type JwtMinter, type JwtMinterOptions, jwtMinter } from './minting.js';
export { type NodeMessage, NodeRequest } from './node-request.js';
export type { NodeHeaders } from './raw-headers.js';
export { type MemoryReplayStoreOptions, memoryReplayStore, type ReplayStore } from './replay-store.js';
export {
  type ResponseVerifier,
  type ResponseVerifierOptions,
  responseVerifier,
} from './response-verifier.js';
export { localRevocations, type RevocationChannel } from './revocation-channel.js';
export type { Rewrite, RewriteOptions } from './rewrite.js';
export type { Secret } from './secret.js';
export type { PrivateKey } from './signing-key.js';
export { tieredCache } from './tiered-cache.js';
