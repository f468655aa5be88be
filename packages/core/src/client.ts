import { createAccessToken, type JwtAccessToken, type Source } from './access-token.js';
import type { CacheEntry, IntrospectionResult } from './cache.js';
import { createCacheKey } from './cache-key.js';
import { cacheContext, type PhantomTokenClientOptions, resolveClientOptions } from './client-options.js';
import { BearerError } from './errors.js';
import { createEmit } from './events.js';
import { createIntrospector } from './introspector.js';
import { assertUsable } from './policy.js';
import { tolerantCache } from './tolerant-cache.js';

export interface WaitOptions {
  /** Ends this caller's wait; an introspection that others wait for, or that can still be cached, goes on. */
  readonly signal?: AbortSignal;
}

/** Asks one authorization server about tokens, and remembers what it said. Made by `createPhantomTokenClient`. */
export interface PhantomTokenClient {
  /**
   * What the authorization server says of a token (RFC 7662); inactive is an answer.
   * @throws {IntrospectionError} when nothing reliable was said.
   */
  introspect(token: string, options?: WaitOptions): Promise<IntrospectionResult>;
  /**
   * The JWT behind a token, checked for expiry, issuer and audience. Not RFC 8693.
   * @throws {BearerError} when the token is inactive, expired, or for somebody else.
   * @throws {IntrospectionError} when nothing reliable was said.
   */
  exchange(token: string, options?: WaitOptions): Promise<JwtAccessToken>;
  /** `exchange` without a promise where memory has the answer: returns or throws at once. For hot paths. */
  exchangeOrWait(token: string, options?: WaitOptions): JwtAccessToken | Promise<JwtAccessToken>;
  /** Forgets a token here and in the shared tier, and what is in the air for it. Rejects when the cache could not. */
  evict(token: string): Promise<void>;
}

interface Answer {
  readonly entry: CacheEntry;
  readonly source: Source;
  /** NumericDate of now; the clock is read once for each answer. */
  readonly at: number;
}

/**
 * Makes the client for one authorization server. Make one and share it: it holds the cache and the calls in the air.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function createPhantomTokenClient(options: PhantomTokenClientOptions): PhantomTokenClient {
  const resolved = resolveClientOptions(options);
  const { now, maxTokenLength } = resolved;
  const emit = createEmit(resolved.onEvent);
  const keyOf = createCacheKey(cacheContext(resolved));
  const cache = tolerantCache(resolved.cache, resolved.timeoutSeconds, emit);
  // a hit is the same token every time
  const fromMemory = new WeakMap<CacheEntry, JwtAccessToken>();
  const introspector = createIntrospector(resolved, cache, emit);

  function find<T>(token: string, options: WaitOptions, use: (answer: Answer) => T): T | Promise<T> {
    if (typeof token !== 'string' || token === '') throw new BearerError('ERR_MALFORMED_TOKEN');
    if (token.length > maxTokenLength) throw new BearerError('ERR_TOKEN_TOO_LONG');
    const key = keyOf(token);
    return typeof key === 'string'
      ? read(key, token, options, use)
      : key.then((it) => read(it, token, options, use));
  }

  function read<T>(
    key: string,
    token: string,
    options: WaitOptions,
    use: (answer: Answer) => T,
  ): T | Promise<T> {
    const at = now();
    const entry = cache.get(key, at);
    if (entry instanceof Promise) {
      return entry.then((it) => hit(it, 'shared', now(), use) ?? ask(key, token, options, use));
    }
    return hit(entry, 'memory', at, use) ?? ask(key, token, options, use);
  }

  function hit<T>(
    entry: CacheEntry | undefined,
    source: Source,
    at: number,
    use: (answer: Answer) => T,
  ): T | undefined {
    if (entry === undefined || entry.expiresAt <= at) return undefined;
    emit?.({ type: 'cache_hit', source });
    return use({ entry, source, at });
  }

  async function ask<T>(
    key: string,
    token: string,
    { signal }: WaitOptions,
    use: (answer: Answer) => T,
  ): Promise<T> {
    emit?.({ type: 'cache_miss' });
    const entry = await introspector.introspect(key, token, signal);
    return use({ entry, source: 'introspection', at: now() });
  }

  function toResult({ entry: { result }, at }: Answer): IntrospectionResult {
    const { exp } = result.active ? result.claims : {};
    return exp !== undefined && exp <= at ? { active: false } : result;
  }

  function toAccessToken({ entry, source, at }: Answer): JwtAccessToken {
    const { result, expiresAt } = entry;
    if (!result.active) throw new BearerError('ERR_INACTIVE');
    assertUsable(result.claims, resolved, at);
    if (source !== 'memory') return createAccessToken(result.jwt, result.claims, expiresAt, source);
    const made = fromMemory.get(entry);
    if (made !== undefined) return made;
    const token = createAccessToken(result.jwt, result.claims, expiresAt, source);
    fromMemory.set(entry, token);
    return token;
  }

  return Object.freeze({
    async introspect(token: string, options: WaitOptions = {}) {
      return find(token, options, toResult);
    },
    async exchange(token: string, options: WaitOptions = {}) {
      return find(token, options, toAccessToken);
    },
    exchangeOrWait(token: string, options: WaitOptions = {}) {
      return find(token, options, toAccessToken);
    },
    async evict(token: string) {
      const key = await keyOf(token);
      introspector.forget(key);
      await resolved.cache.delete(key);
    },
  });
}
