import type { TokenCache } from './cache.js';
import type { ClientAuth } from './client-auth.js';
import type { Emit } from './events.js';
import type { Fetch } from './http-exchange.js';
import type { IntrospectionMediaType } from './introspection-response.js';
import type { JwtVerifier } from './jwt-verifier.js';
import type { JwtMinter } from './minting.js';
import type { ResponseVerifier } from './response-verifier.js';
import type { RevocationChannel } from './revocation-channel.js';

export interface PhantomTokenClientOptions {
  /** The authorization server's introspection endpoint (RFC 7662 §2). `https:`, or `http:` on loopback. */
  readonly introspectionEndpoint: string | URL;
  /** How we prove ourselves there: `clientSecretBasic(…)`, `privateKeyJwt(…)` or another such function. */
  readonly clientAuth: ClientAuth;
  /** The issuer that tokens must come from, where they name one (RFC 8414 §2). Default: not checked. */
  readonly issuer?: string;
  /** Tokens must be meant for one of these (`aud`, RFC 7519 §4.1.3). Default: not checked. */
  readonly audience?: string | readonly string[];
  /** What to ask the server for. Default `application/jwt`. */
  readonly accept?: IntrospectionMediaType;
  /** Members of a JSON answer that may hold the JWT, in order. Default `phantom_token`, `jwt`. */
  readonly jwtMembers?: readonly string[];
  /** Further form parameters of the request, for example `token_type_hint`. Default none. */
  readonly extraParameters?: Readonly<Record<string, string>>;
  /** Verifies the returned JWT once, before it is cached; `jwtVerifier(…)` makes one. Default: none, TLS is trusted. */
  readonly verifyJwt?: JwtVerifier;
  /**
   * Verifies signed answers (RFC 9701); `responseVerifier(…)` makes one. Goes with `accept:
   * 'application/token-introspection+jwt'`, and then no unsigned answer counts.
   */
  readonly verifyResponse?: ResponseVerifier;
  /** Makes the JWT where the server returns none; `jwtMinter(…)` makes one. Default: such an answer is a fault. */
  readonly mintJwt?: JwtMinter;
  /** Where answers are kept. Default `memoryCache()`. */
  readonly cache?: TokenCache;
  /**
   * The longest that a request waits for one answer of the cache; one that does not come in time is a miss, and the cache
   * is left alone for a second. More than the cache's own patience. What memory has is never waited for. Seconds, default
   * 0.05.
   */
  readonly cacheTimeoutSeconds?: number;
  /** The longest that an active answer is reused: the revocation window. Seconds, default 300. */
  readonly maxTtlSeconds?: number;
  /** How long before the token's `exp` its answer is let go. Seconds, default 10. */
  readonly earlyExpirySeconds?: number;
  /** How long an inactive answer is remembered, in memory only. Seconds, default 5. */
  readonly inactiveTtlSeconds?: number;
  /** How long an active answer is reused that has neither `exp` nor `max-age`. Seconds, default 0: not at all. */
  readonly noExpiryTtlSeconds?: number;
  /**
   * The last share of an answer's time in which a token that is used is asked about again, in the background, so that
   * no request waits for it: at a random moment of that share, and only where asking can prolong the answer. A new
   * answer has its own deadline; INACTIVE ends the token at once; UNKNOWN changes nothing. Needs memory to have the
   * answer. 0 to 0.9, default 0: never. Has no effect on Workers, where requests must not share I/O.
   */
  readonly refreshAhead?: number;
  /**
   * How long past its deadline an active answer stands in while the authorization server gives none (RFC 5861 §4):
   * never past the token's `exp`, never after it was called inactive, evicted or revoked, and not where the server's
   * Cache-Control says `must-revalidate` or a shorter `stale-if-error`. It lengthens the revocation window by as much
   * whenever the server fails. From memory only. Seconds, at most 300, default 0: never.
   */
  readonly staleIfErrorSeconds?: number;
  /**
   * How instances tell each other what was revoked, for example through Redis. Default: `revoke` reaches this client
   * and the shared tier only.
   */
  readonly revocations?: RevocationChannel;
  /** Whether the server's Cache-Control shortens or forbids reuse (RFC 9111). Default true. */
  readonly obeyCacheControl?: boolean;
  /** Whether the server's status 400 means that the token is inactive rather than that we erred. Default false. */
  readonly badRequestMeansInactive?: boolean;
  /** The whole time that an introspection may take, queueing and a second try included. Seconds, default 2. */
  readonly timeoutSeconds?: number;
  /** Cap on the decoded answer. Bytes, default 65536. */
  readonly maxResponseBytes?: number;
  /** Longest token that is looked at. Bytes, default 4096. */
  readonly maxTokenLength?: number;
  /** How many introspections run at once. Default 64; more of them queue. */
  readonly maxConcurrentIntrospections?: number;
  /** How many introspections may queue, each for half of `timeoutSeconds` at most; beyond, 503. Default 1000. */
  readonly maxQueuedIntrospections?: number;
  /** How many callers may wait for an introspection that another one started; beyond, 503. Default 10000. */
  readonly maxWaiters?: number;
  /**
   * After how many failures in a row the server is left alone but for one probe a second; callers get 503 meanwhile.
   * A failure is no whole answer, 429, 5xx, a redirect or another media type; what is said of one token is none, since a
   * client may bring it about. Default 0: never.
   */
  readonly breakerFailures?: number;
  /** Default: the global `fetch`. On Node, `createFetch` of `@phantom-token/core/node` has pooling, CA and proxy settings. */
  readonly fetch?: Fetch;
  /** The clock, as a NumericDate. Default: the system's. */
  readonly now?: () => number;
  /** Told of introspections, cache hits and warnings, for logs and metrics. Must not block. Default none. */
  readonly onEvent?: Emit;
  /** Not used by the client; accepted so that what `discover` found can be spread into the options. */
  readonly jwksUri?: string | undefined;
  /**
   * Allows `http:` to other hosts: tokens and our secret then cross the network in clear. Default false.
   * @deprecated for tests in closed networks only
   */
  readonly allowInsecureRequests?: boolean;
}

/** Whether an option can change what an entry says or how long it holds, and so is part of the cache key. */
export const changesEntry = {
  introspectionEndpoint: true,
  clientAuth: true,
  issuer: true,
  audience: true,
  accept: true,
  jwtMembers: true,
  extraParameters: true,
  verifyJwt: true,
  verifyResponse: true,
  mintJwt: true,
  cache: false,
  cacheTimeoutSeconds: false,
  maxTtlSeconds: true,
  earlyExpirySeconds: true,
  inactiveTtlSeconds: true,
  noExpiryTtlSeconds: true,
  refreshAhead: false,
  staleIfErrorSeconds: true,
  revocations: false,
  obeyCacheControl: true,
  badRequestMeansInactive: true,
  timeoutSeconds: false,
  maxResponseBytes: false,
  maxTokenLength: false,
  maxConcurrentIntrospections: false,
  maxQueuedIntrospections: false,
  maxWaiters: false,
  breakerFailures: false,
  fetch: false,
  now: false,
  onEvent: false,
  jwksUri: false,
  allowInsecureRequests: false,
} as const satisfies Record<keyof PhantomTokenClientOptions, boolean>;

export type KeyedOption = {
  [Name in keyof typeof changesEntry]: (typeof changesEntry)[Name] extends true ? Name : never;
}[keyof typeof changesEntry];
