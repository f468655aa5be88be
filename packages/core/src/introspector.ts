import type { CacheEntry, Claims } from './cache.js';
import { createCircuitBreaker } from './circuit-breaker.js';
import { withoutToken } from './claims.js';
import type { ResolvedClientOptions } from './client-options.js';
import { createConcurrencyLimit } from './concurrency-limit.js';
import { waitFor, withinDeadline } from './deadline.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import type { Emit } from './events.js';
import { freshUntil, mintedUntil, parseCacheControl } from './freshness.js';
import { exchangeHttp, type HttpAnswer } from './http-exchange.js';
import { buildIntrospectionRequest } from './introspection-request.js';
import { parseIntrospectionResponse, parseSignedResponse } from './introspection-response.js';
import type { JwtMinter } from './minting.js';
import { requestsShareIo } from './runtime.js';
import { createSingleFlight, createSoloFlight } from './single-flight.js';
import type { TolerantCache } from './tolerant-cache.js';
import { createWarnings } from './warnings.js';

export interface Introspector {
  /** Asks the authorization server, or joins who is asking already, and stores the answer. */
  introspect(key: string, token: string, signal: AbortSignal | undefined): Promise<CacheEntry>;
  /** What is in the air for this key will not be stored. */
  forget(key: string): void;
}

/** The way to the authorization server and back: one call per key, bounded in number, time and size. */
export function createIntrospector(
  options: ResolvedClientOptions,
  cache: TolerantCache,
  emit: Emit | undefined,
): Introspector {
  const { now } = options;
  const shared = requestsShareIo();
  const flights = shared
    ? createSingleFlight<CacheEntry>({
        maxWaiters: options.maxWaiters,
        onJoin: () => emit?.({ type: 'flight_joined' }),
      })
    : createSoloFlight<CacheEntry>();
  const limit = createConcurrencyLimit(options.maxConcurrentIntrospections, options.maxQueuedIntrospections);
  const protect = createCircuitBreaker(options, emit);
  const warnings = createWarnings(emit);

  async function ask(token: string, signal: AbortSignal): Promise<CacheEntry> {
    const send = () => exchangeHttp(() => build(token), { ...options, signal });
    let answer = await send();
    // a secret may have been replaced since we read it; its failure to come is told like the refusal
    if (answer.status === 401 && (await options.clientAuth.renew?.().catch(() => false)))
      answer = await send();
    const said = await parse(answer);
    if (!said.active) return inactiveEntry();
    const claims = withoutToken(said.claims, token);
    warnings.oddDates(claims, now());
    const control = parseCacheControl(answer.headers);
    if (options.obeyCacheControl && control.forbidden) warnings.cacheForbidden();
    const expiresAt = freshUntil(now(), claims.exp, control, options);
    const jwt = said.jwt === undefined ? await mint(claims, expiresAt) : await verified(said.jwt);
    return jwt === undefined ? inactiveEntry() : activeEntry(jwt, claims, expiresAt);
  }

  const parse = (answer: HttpAnswer) => {
    const { verifyResponse, clientAuth } = options;
    if (verifyResponse === undefined) return parseIntrospectionResponse(answer, options, now());
    const verify = (body: string) =>
      verifyResponse.verify(body, { now: now(), clientId: clientAuth.clientId }).catch((error) => {
        if (error instanceof IntrospectionError) throw error;
        throw new IntrospectionError('ERR_RESPONSE_VERIFICATION', 'verifyResponse refused the answer');
      });
    return parseSignedResponse(answer, options, verify, now());
  };

  const inactiveEntry = () =>
    deepFreeze({ result: { active: false as const }, expiresAt: now() + options.inactiveTtlSeconds });

  const activeEntry = (jwt: string, claims: Claims, expiresAt: number) =>
    deepFreeze({ result: { active: true as const, jwt, claims }, expiresAt });

  // what users plug in may fail in any way; none of that is the client's fault, and none of its words go on
  const build = (token: string) =>
    buildIntrospectionRequest(token, options, now()).catch(() => {
      throw new IntrospectionError('ERR_CLIENT_AUTH', 'clientAuth failed to make our credentials');
    });

  async function verified(jwt: string): Promise<string> {
    try {
      await options.verifyJwt?.verify(jwt, now());
      return jwt;
    } catch (error) {
      if (error instanceof IntrospectionError) throw error;
      throw new IntrospectionError(
        'ERR_JWT_VERIFICATION',
        'verifyJwt refused the JWT from the authorization server',
      );
    }
  }

  /** Nothing where the answer does not say that it is about an access token: to some servers refresh tokens are active. */
  async function mint(claims: Claims, expiresAt: number): Promise<string | undefined> {
    const minter = options.mintJwt as JwtMinter;
    if (minter.requireTokenType && !/^(?:bearer|dpop)$/i.test(claims.token_type ?? '')) {
      if (claims.token_type === undefined) warnings.noTokenType();
      return undefined;
    }
    try {
      const until = mintedUntil(now(), expiresAt, claims.exp, options);
      return await minter.mint(claims, { now: now(), expiresAt: until });
    } catch (error) {
      if (error instanceof IntrospectionError) throw error;
      throw new IntrospectionError('ERR_MINTING', 'mintJwt failed to make a JWT');
    }
  }

  async function fly(key: string, token: string, isCurrent: () => boolean): Promise<CacheEntry> {
    const startedAt = performance.now();
    const durationSeconds = () => (performance.now() - startedAt) / 1000;
    let entry: CacheEntry;
    try {
      entry = await protect(() =>
        withinDeadline(options.timeoutSeconds, (signal) =>
          shared ? limit(() => ask(token, signal), signal) : ask(token, signal),
        ),
      );
    } catch (error) {
      reportFailure(error, durationSeconds());
      throw error;
    }
    const outcome = entry.result.active ? 'active' : 'inactive';
    emit?.({ type: 'introspection', outcome, durationSeconds: durationSeconds() });
    if (entry.expiresAt > now() && isCurrent()) await cache.set(key, entry, now());
    return entry;
  }

  function reportFailure(error: unknown, durationSeconds: number): void {
    if (!(error instanceof IntrospectionError)) return;
    const { code, message, serverStatus } = error;
    const level = code === 'ERR_CREDENTIALS_REFUSED' ? 'error' : 'warning';
    const status = serverStatus === undefined ? {} : { serverStatus };
    emit?.({ type: 'introspection', outcome: 'unknown', code, level, message, ...status, durationSeconds });
  }

  return {
    introspect: (key, token, signal) =>
      waitFor(
        flights.join(key, (isCurrent) => fly(key, token, isCurrent)),
        signal,
      ),
    forget: (key) => flights.forget(key),
  };
}
