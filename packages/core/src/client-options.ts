import type { TokenCache } from './cache.js';
import type { ClientAuth } from './client-auth.js';
import type { Emit } from './events.js';
import type { FreshnessOptions } from './freshness.js';
import type { Fetch } from './http-exchange.js';
import type { IntrospectionRequestOptions } from './introspection-request.js';
import type { IntrospectionMediaType, IntrospectionResponseOptions } from './introspection-response.js';
import type { JwtVerifier } from './jwt-verifier.js';
import { memoryCache } from './memory-cache.js';
import type { JwtMinter } from './minting.js';
import {
  callable,
  count,
  endpoint,
  flag,
  nonEmpty,
  nonEmptyList,
  refuseUnknown,
  seconds,
} from './option-checks.js';
import type { Policy } from './policy.js';
import type { ResponseVerifier } from './response-verifier.js';

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
  /** The longest that an active answer is reused: the revocation window. Seconds, default 300. */
  readonly maxTtlSeconds?: number;
  /** How long before the token's `exp` its answer is let go. Seconds, default 10. */
  readonly earlyExpirySeconds?: number;
  /** How long an inactive answer is remembered, in memory only. Seconds, default 5. */
  readonly inactiveTtlSeconds?: number;
  /** How long an active answer is reused that has neither `exp` nor `max-age`. Seconds, default 0: not at all. */
  readonly noExpiryTtlSeconds?: number;
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
  /** How many introspections may queue; beyond, 503. Default 1000. */
  readonly maxQueuedIntrospections?: number;
  /** How many callers may wait for an introspection that another one started; beyond, 503. Default 10000. */
  readonly maxWaiters?: number;
  /**
   * After how many failures in a row the server is left alone but for one probe a second; callers get 503 meanwhile.
   * What it says with a 4xx status does not count. Default 0: never.
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
const changesEntry = {
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
  maxTtlSeconds: true,
  earlyExpirySeconds: true,
  inactiveTtlSeconds: true,
  noExpiryTtlSeconds: true,
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

type KeyedOption = {
  [Name in keyof typeof changesEntry]: (typeof changesEntry)[Name] extends true ? Name : never;
}[keyof typeof changesEntry];

export interface ResolvedClientOptions
  extends IntrospectionRequestOptions,
    IntrospectionResponseOptions,
    FreshnessOptions,
    Policy {
  readonly verifyJwt: JwtVerifier | undefined;
  readonly verifyResponse: ResponseVerifier | undefined;
  readonly mintJwt: JwtMinter | undefined;
  readonly cache: TokenCache;
  readonly inactiveTtlSeconds: number;
  readonly timeoutSeconds: number;
  readonly maxResponseBytes: number;
  readonly maxTokenLength: number;
  readonly maxConcurrentIntrospections: number;
  readonly maxQueuedIntrospections: number;
  readonly maxWaiters: number;
  readonly breakerFailures: number;
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly onEvent: Emit | undefined;
}

/** @throws {TypeError} naming the option that is unknown, missing or wrong. */
export function resolveClientOptions(options: PhantomTokenClientOptions): ResolvedClientOptions {
  refuseUnknown('createPhantomTokenClient', options, changesEntry);
  const { audience, issuer } = options;
  const insecure = flag('allowInsecureRequests', options.allowInsecureRequests, false);
  return {
    introspectionEndpoint: endpoint('introspectionEndpoint', options.introspectionEndpoint, insecure),
    clientAuth: readClientAuth(options.clientAuth),
    issuer: issuer === undefined ? undefined : nonEmpty('issuer', issuer),
    audience:
      audience === undefined
        ? undefined
        : nonEmptyList('audience', Array.isArray(audience) ? audience : [audience]),
    ...readAccept(options),
    jwtMembers: nonEmptyList('jwtMembers', options.jwtMembers ?? ['phantom_token', 'jwt']),
    extraParameters: readExtraParameters(options.extraParameters),
    verifyJwt: readPlugIn('verifyJwt', 'jwtVerifier', 'verify', options.verifyJwt),
    mintJwt: readPlugIn('mintJwt', 'jwtMinter', 'mint', options.mintJwt),
    cache: readCache(options.cache),
    maxTtlSeconds: seconds('maxTtlSeconds', options.maxTtlSeconds, 300),
    earlyExpirySeconds: seconds('earlyExpirySeconds', options.earlyExpirySeconds, 10),
    inactiveTtlSeconds: seconds('inactiveTtlSeconds', options.inactiveTtlSeconds, 5),
    noExpiryTtlSeconds: seconds('noExpiryTtlSeconds', options.noExpiryTtlSeconds, 0),
    obeyCacheControl: flag('obeyCacheControl', options.obeyCacheControl, true),
    badRequestMeansInactive: flag('badRequestMeansInactive', options.badRequestMeansInactive, false),
    timeoutSeconds: seconds('timeoutSeconds', options.timeoutSeconds, 2, { positive: true }),
    maxResponseBytes: count('maxResponseBytes', options.maxResponseBytes, 65_536, 1),
    maxTokenLength: count('maxTokenLength', options.maxTokenLength, 4_096, 1),
    maxConcurrentIntrospections: count(
      'maxConcurrentIntrospections',
      options.maxConcurrentIntrospections,
      64,
      1,
    ),
    maxQueuedIntrospections: count('maxQueuedIntrospections', options.maxQueuedIntrospections, 1_000, 0),
    maxWaiters: count('maxWaiters', options.maxWaiters, 10_000, 0),
    breakerFailures: count('breakerFailures', options.breakerFailures, 0, 0),
    fetch: options.fetch === undefined ? (url, init) => fetch(url, init) : callable('fetch', options.fetch),
    now: options.now === undefined ? () => Date.now() / 1000 : callable('now', options.now),
    onEvent: options.onEvent && callable('onEvent', options.onEvent),
  };
}

/** The names and values of all options that belong into the cache key, in a fixed order. */
export function cacheContext(options: ResolvedClientOptions): readonly string[] {
  const { clientAuth, verifyJwt, verifyResponse, mintJwt, extraParameters } = options;
  const context: Record<KeyedOption, unknown> = {
    ...options,
    clientAuth: [clientAuth.method, clientAuth.clientId],
    verifyJwt: verifyJwt?.context,
    verifyResponse: verifyResponse?.context,
    mintJwt: mintJwt?.context,
    extraParameters: Object.entries(extraParameters).sort(),
  };
  return (Object.keys(changesEntry) as KeyedOption[])
    .filter((name) => changesEntry[name])
    .map((name) => `${name}=${JSON.stringify(context[name])}`);
}

function readClientAuth(value: ClientAuth): ClientAuth {
  const made = typeof value?.authenticate === 'function' && typeof value.clientId === 'string';
  if (!made) throw new TypeError('clientAuth must be made by clientSecretBasic or another such function');
  return value;
}

const mediaTypes = ['application/jwt', 'application/json', 'application/token-introspection+jwt'] as const;

function readAccept({ accept = 'application/jwt', verifyResponse }: PhantomTokenClientOptions) {
  if (!mediaTypes.includes(accept)) throw new TypeError(`accept must be ${mediaTypes.join(' or ')}`);
  if ((accept === 'application/token-introspection+jwt') !== (verifyResponse !== undefined)) {
    throw new TypeError('verifyResponse and accept: "application/token-introspection+jwt" go together');
  }
  return {
    accept,
    verifyResponse: readPlugIn('verifyResponse', 'responseVerifier', 'verify', verifyResponse),
  };
}

function readPlugIn<T extends { readonly context: string }>(
  name: string,
  maker: string,
  method: keyof T & string,
  value: T | undefined,
): T | undefined {
  if (value === undefined) return undefined;
  if (typeof value[method] !== 'function' || typeof value.context !== 'string')
    throw new TypeError(`${name} must be made by ${maker}, or have a context and a ${method} function`);
  return value;
}

function readCache(value: TokenCache | undefined): TokenCache {
  if (value === undefined) return memoryCache();
  const complete = typeof value === 'object' && value !== null;
  if (complete && [value.get, value.set, value.delete].every((method) => typeof method === 'function'))
    return value;
  throw new TypeError('cache must have the functions get, set and delete');
}

const reservedParameters = [
  'token',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
];

function readExtraParameters(value: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null)
    throw new TypeError('extraParameters must be an object of strings');
  for (const [name, parameter] of Object.entries(value)) {
    if (reservedParameters.includes(name)) throw new TypeError(`extraParameters must not set "${name}"`);
    if (typeof parameter !== 'string') throw new TypeError(`extraParameters.${name} must be a string`);
  }
  return Object.freeze({ ...value });
}
