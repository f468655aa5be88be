import { createAccessToken, type JwtAccessToken } from './access-token.js';
import { createCacheKey } from './cache-key.js';
import { isAccessToken, readClaims } from './claims.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import { isFresh } from './freshness.js';
import { compactJws, parseJwt } from './jwt.js';
import type { JwtVerifier } from './jwt-verifier.js';
import { memoryCache } from './memory-cache.js';

/** How long a judgement is kept at most: no longer than the verifier keeps keys that its issuer has withdrawn. Seconds. */
const maxTtlSeconds = 300;
/** How long a token that did not verify is not tried again. Seconds. */
const notOursTtlSeconds = 5;
/** A longer one is not looked at. Characters. */
const maxLength = 16_384;

/** Presented tokens that are JWTs and verify: they stand for themselves. */
export interface AcceptedJwts {
  /**
   * Nothing for a token that does not verify, whatever it looks like: the authorization server is to be asked. An error
   * where nobody knows, since the keys are not to be had: the server is to be asked, but its "no" says nothing then.
   */
  find(token: string, now: number): Judgement | Promise<Judgement>;
}

export type Judgement = JwtAccessToken | IntrospectionError | undefined;

/** Each is verified once; judgements stay in this process, since a presented token must not leave it. */
export function createAcceptedJwts(verifier: JwtVerifier): AcceptedJwts {
  const keyOf = createCacheKey(['accepted', verifier.context]);
  const judged = memoryCache();
  const tokens = new WeakMap<object, JwtAccessToken>();

  function find(key: string, token: string, now: number) {
    const entry = judged.get(key, now);
    if (entry === undefined || !isFresh(entry, now)) return judge(key, token, now);
    return entry.result.active ? tokens.get(entry.result) : undefined;
  }

  async function judge(key: string, token: string, now: number): Promise<Judgement> {
    const found = await verify(token, now).catch(faultOf);
    if (found instanceof IntrospectionError) return found;
    const result = found === undefined ? { active: false as const } : { active: true as const, ...found };
    const until = now + (found === undefined ? notOursTtlSeconds : maxTtlSeconds);
    const expiresAt = Math.min(until, found?.claims.exp ?? until);
    judged.set(key, deepFreeze({ result, expiresAt, storedAt: now }), now);
    if (found === undefined) return undefined;
    tokens.set(result, createAccessToken(token, found.claims, expiresAt, 'memory'));
    return createAccessToken(token, found.claims, expiresAt, 'verification');
  }

  async function verify(jwt: string, now: number) {
    await verifier.verify(jwt, now);
    const claims = readClaims(parseJwt(jwt));
    // one without an end would be good for ever, since nobody can be asked to end it
    const isUsable = claims.exp !== undefined && claims.exp > now && isAccessToken(claims);
    return isUsable ? { jwt, claims: deepFreeze(claims) } : undefined;
  }

  const faultOf = (error: unknown) =>
    error instanceof IntrospectionError && error.code !== 'ERR_JWT_VERIFICATION' ? error : undefined;

  return {
    find(token, now) {
      if (token.length > maxLength || !compactJws.test(token)) return undefined;
      const key = keyOf(token);
      return typeof key === 'string' ? find(key, token, now) : key.then((it) => find(it, token, now));
    },
  };
}
