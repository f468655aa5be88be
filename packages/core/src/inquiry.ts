import type { CacheEntry, Claims } from './cache.js';
import { withoutToken } from './claims.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import type { Emit } from './events.js';
import {
  freshUntil,
  mintedUntil,
  onOurClock,
  parseCacheControl,
  secondsAhead,
  staleUntil,
} from './freshness.js';
import { exchangeHttp, type HttpAnswer } from './http-exchange.js';
import { buildIntrospectionRequest } from './introspection-request.js';
import { parseIntrospectionResponse, parseSignedResponse } from './introspection-response.js';
import type { JwtMinter } from './minting.js';
import type { ResolvedClientOptions } from './resolved-client-options.js';
import { createWarnings } from './warnings.js';

/** Asks the authorization server about a token once, and makes an entry of what it says. */
export type Inquiry = (token: string, signal: AbortSignal) => Promise<CacheEntry>;

/** The question to the authorization server, and what its answer comes to. */
export function createInquiry(options: ResolvedClientOptions, emit: Emit | undefined): Inquiry {
  const { now } = options;
  const warnings = createWarnings(emit);

  async function ask(token: string, signal: AbortSignal): Promise<CacheEntry> {
    const storedAt = now();
    const send = () => exchangeHttp(() => build(token), { ...options, signal });
    const sentAt = performance.now();
    let answer = await send();
    if (answer.status === 401 && (await hasOtherCredentials(sentAt))) answer = await send();
    // before the keys to verify it with may have to be fetched
    const ahead = secondsAhead(answer.headers, now());
    const said = await parse(answer);
    if (ahead !== undefined) tellClock(ahead);
    if (!said.active) return inactiveEntry(storedAt);
    const claims = withoutToken(said.claims, token);
    warnings.oddDates(claims, now());
    const control = parseCacheControl(answer.headers);
    if (options.obeyCacheControl && control.forbidden) warnings.cacheForbidden();
    const exp = onOurClock(claims.exp, ahead);
    const expiresAt = freshUntil(now(), exp, control, options);
    const until = staleUntil(expiresAt, exp, control, options);
    const jwt =
      said.jwt === undefined ? await mint(claims, Math.max(expiresAt, until)) : await verified(said.jwt);
    if (jwt === undefined) return inactiveEntry(storedAt);
    const stale = until > expiresAt ? { staleUntil: until } : {};
    return deepFreeze({ result: { active: true as const, jwt, claims }, expiresAt, storedAt, ...stale });
  }

  /** A secret may have been replaced since we read it; its failure to come is told like the refusal. */
  async function hasOtherCredentials(sentAt: number): Promise<boolean> {
    try {
      return (await options.clientAuth.renew?.(sentAt)) === true;
    } catch {
      return false;
    }
  }

  function tellClock(aheadSeconds: number): void {
    emit?.({ type: 'server_clock', aheadSeconds });
    warnings.clockSkew(aheadSeconds);
  }

  const parse = (answer: HttpAnswer) => {
    const { verifyResponse, clientAuth } = options;
    if (verifyResponse === undefined) return parseIntrospectionResponse(answer, options, now());
    const verify = async (body: string) => {
      try {
        return asMembers(await verifyResponse.verify(body, { now: now(), clientId: clientAuth.clientId }));
      } catch (error) {
        if (error instanceof IntrospectionError) throw error;
        throw new IntrospectionError('ERR_RESPONSE_VERIFICATION', 'verifyResponse refused the answer');
      }
    };
    return parseSignedResponse(answer, options, verify, now());
  };

  const inactiveEntry = (storedAt: number): CacheEntry =>
    deepFreeze({ result: { active: false }, expiresAt: now() + options.inactiveTtlSeconds, storedAt });

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
      return asJwt(await minter.mint(claims, { now: now(), expiresAt: until }));
    } catch (error) {
      if (error instanceof IntrospectionError) throw error;
      throw new IntrospectionError('ERR_MINTING', 'mintJwt failed to make a JWT');
    }
  }

  return ask;
}

// nothing is no answer, least of all the one that the token is inactive

function asMembers(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('no members');
  return value as Record<string, unknown>;
}

function asJwt(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError('no JWT');
  return value;
}
