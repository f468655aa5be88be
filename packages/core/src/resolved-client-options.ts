import type { TokenCache } from './cache.js';
import type { ClientAuth } from './client-auth.js';
import { changesEntry, type KeyedOption, type PhantomTokenClientOptions } from './client-options.js';
import type { Emit } from './events.js';
import type { FreshnessOptions } from './freshness.js';
import { type Fetch, readFetch } from './http-exchange.js';
import type { IntrospectionRequestOptions } from './introspection-request.js';
import type { IntrospectionResponseOptions } from './introspection-response.js';
import type { JwtVerifier } from './jwt-verifier.js';
import { memoryCache } from './memory-cache.js';
import type { JwtMinter } from './minting.js';
import {
  callable,
  count,
  endpoint,
  flag,
  mostTimerSeconds,
  nonEmpty,
  nonEmptyList,
  refuseUnknown,
  seconds,
} from './option-checks.js';
import type { Policy } from './policy.js';
import type { ResponseVerifier } from './response-verifier.js';
import type { RevocationChannel } from './revocation-channel.js';

export interface ResolvedClientOptions
  extends IntrospectionRequestOptions,
    IntrospectionResponseOptions,
    FreshnessOptions,
    Policy {
  readonly verifyJwt: JwtVerifier | undefined;
  readonly verifyResponse: ResponseVerifier | undefined;
  readonly mintJwt: JwtMinter | undefined;
  readonly cache: TokenCache;
  readonly cacheTimeoutSeconds: number;
  readonly inactiveTtlSeconds: number;
  readonly refreshAhead: number;
  readonly revocations: RevocationChannel | undefined;
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

/** What a failing server may add to the revocation window at most. Seconds. */
const mostStaleSeconds = 300;

/** @throws {TypeError} naming the option that is unknown, missing or wrong. */
export function resolveClientOptions(options: PhantomTokenClientOptions): ResolvedClientOptions {
  refuseUnknown('createPhantomTokenClient', options, changesEntry);
  const { audience, issuer, jwtMembers = ['phantom_token', 'jwt'] } = options;
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
    jwtMembers: nonEmptyList('jwtMembers', jwtMembers),
    extraParameters: readExtraParameters(options.extraParameters),
    verifyJwt: readPlugIn('verifyJwt', 'jwtVerifier', 'verify', options.verifyJwt),
    mintJwt: readPlugIn('mintJwt', 'jwtMinter', 'mint', options.mintJwt),
    cache: readCache(options.cache),
    cacheTimeoutSeconds: seconds('cacheTimeoutSeconds', options.cacheTimeoutSeconds, 0.05, {
      positive: true,
      most: mostTimerSeconds,
    }),
    maxTtlSeconds: seconds('maxTtlSeconds', options.maxTtlSeconds, 300),
    earlyExpirySeconds: seconds('earlyExpirySeconds', options.earlyExpirySeconds, 10),
    inactiveTtlSeconds: seconds('inactiveTtlSeconds', options.inactiveTtlSeconds, 5),
    noExpiryTtlSeconds: seconds('noExpiryTtlSeconds', options.noExpiryTtlSeconds, 0),
    refreshAhead: readShare(options.refreshAhead),
    staleIfErrorSeconds: seconds('staleIfErrorSeconds', options.staleIfErrorSeconds, 0, {
      most: mostStaleSeconds,
    }),
    revocations: readRevocations(options.revocations),
    obeyCacheControl: flag('obeyCacheControl', options.obeyCacheControl, true),
    badRequestMeansInactive: flag('badRequestMeansInactive', options.badRequestMeansInactive, false),
    timeoutSeconds: seconds('timeoutSeconds', options.timeoutSeconds, 2, {
      positive: true,
      most: mostTimerSeconds,
    }),
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
    fetch: readFetch(options.fetch),
    now: options.now === undefined ? () => Date.now() / 1000 : callable('now', options.now),
    onEvent: options.onEvent === undefined ? undefined : callable('onEvent', options.onEvent),
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
  if (typeof value?.[method] !== 'function' || typeof value.context !== 'string')
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

function readShare(value: unknown = 0): number {
  if (typeof value === 'number' && value >= 0 && value <= 0.9) return value;
  throw new TypeError('refreshAhead must be a number from 0 to 0.9');
}

function readRevocations(value: RevocationChannel | undefined): RevocationChannel | undefined {
  if (value === undefined) return undefined;
  if (typeof value?.publish === 'function' && typeof value.subscribe === 'function') return value;
  throw new TypeError('revocations must have the functions publish and subscribe');
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
