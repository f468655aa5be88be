import { createAccessToken, type JwtAccessToken, type Source } from './access-token.js';
import type { CacheEntry, IntrospectionResult } from './cache.js';
import { createCacheKey } from './cache-key.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import { timeoutError, withinDeadline } from './deadline.js';
import { BearerError, IntrospectionError, overloaded } from './errors.js';
import { createEmit } from './events.js';
import { isFresh, mayStandIn } from './freshness.js';
import { createHeldEntry, type HeldEntry } from './held-entry.js';
import { createIntrospectionResult } from './introspection-result.js';
import { createIntrospector } from './introspector.js';
import { assertUsable } from './policy.js';
import { refreshAgainFrom } from './refresh-ahead.js';
import { cacheContext, resolveClientOptions } from './resolved-client-options.js';
import { createRevocations, type Digests } from './revocations.js';
import { type TolerantCache, tolerantCache, unread } from './tolerant-cache.js';

export interface WaitOptions {
  /** Ends this caller's wait; an introspection that others wait for, or that can still be cached, goes on. */
  readonly signal?: AbortSignal;
}

/** Asks one authorization server about tokens, and remembers what it said. Made by `createPhantomTokenClient`. */
export interface PhantomTokenClient {
  /**
   * What the authorization server says of a token (RFC 7662); inactive is an answer. Frozen; `jwt` and `claims` are kept
   * out of `util.inspect` and `JSON.stringify`.
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
  /**
   * `evict`, and more: what was asked before is used no more, not even by those who wait for it, and other instances
   * hear of it through `revocations`: all whose client has the same `issuer` or, where none is set, the same endpoint.
   * The next request asks the authorization server, which is not told: not RFC 7009. Holds here at once.
   * @throws what the shared tier or the channel rejected with, when one of them could not.
   */
  revoke(token: string): Promise<void>;
  /**
   * Revokes all tokens of which answers with this `sub` are held, here and at the other instances. What is asked from
   * now on is not affected.
   * @throws {TypeError} when it is no string, or an empty one; else what the channel rejected with.
   */
  revokeBySubject(sub: string): Promise<void>;
  /** The same for all tokens whose claims have this `sid` (OpenID Connect Back-Channel Logout 1.0 §2.1). */
  revokeBySession(sid: string): Promise<void>;
  /** Hears of no more revocations: for a client that is not used any more while its channel is. */
  close(): void;
}

interface Answer {
  readonly entry: CacheEntry;
  readonly source: Source;
  /** NumericDate of now; the clock is read once for each answer. */
  readonly at: number;
  /** What is known of an entry in memory. */
  readonly held?: HeldEntry;
}

type Use<T> = (answer: Answer) => T;

/** How often one request asks, should its answers be revoked while they are in the air. */
const maxQuestions = 3;

/**
 * Makes the client for one authorization server. Make one and share it: it holds the cache and the calls in the air.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function createPhantomTokenClient(options: PhantomTokenClientOptions): PhantomTokenClient {
  const resolved = resolveClientOptions(options);
  const { now, maxTokenLength, timeoutSeconds } = resolved;
  const emit = createEmit(resolved.onEvent);
  const keyOf = createCacheKey(cacheContext(resolved));
  const cache = tolerantCache(resolved.cache, resolved.cacheTimeoutSeconds, emit);
  const heldEntries = new WeakMap<CacheEntry, HeldEntry>();
  const revocations = createRevocations(resolved, cache, emit);
  const { tombstones } = revocations;
  const introspector = createIntrospector(resolved, cache, revocations, emit);

  // on the way of a hit nothing makes a closure or has more to say than it needs: that costs more than the look-ups
  function find<T>(token: string, options: WaitOptions, use: Use<T>): T | Promise<T> {
    if (typeof token !== 'string' || token === '') throw new BearerError('ERR_MALFORMED_TOKEN');
    if (token.length > maxTokenLength) throw new BearerError('ERR_TOKEN_TOO_LONG');
    const key = keyOf(token);
    return typeof key === 'string' ? read(key, token, options, use) : readLater(key, token, options, use);
  }

  async function readLater<T>(key: Promise<string>, token: string, options: WaitOptions, use: Use<T>) {
    return read(await key, token, options, use);
  }

  function read<T>(key: string, token: string, options: WaitOptions, use: Use<T>): T | Promise<T> {
    const at = now();
    const entry = cache.get(key, at);
    if (entry === undefined) return ask(key, token, options, use, false);
    if (entry instanceof Promise) return readShared(entry, key, token, options, use);
    if (!isFresh(entry, at)) return ask(key, token, options, use, entry === unread);
    const held = heldEntries.get(entry) ?? hold(entry);
    if (held.judgedAt !== tombstones.generation) return judge(held, entry, at, key, token, options, use);
    return hit(held, entry, at, key, token, use);
  }

  function hit<T>(
    held: HeldEntry,
    entry: CacheEntry,
    at: number,
    key: string,
    token: string,
    use: Use<T>,
  ): T {
    emit?.({ type: 'cache_hit', source: 'memory' });
    const used = use({ entry, source: 'memory', at, held });
    if (at >= held.refreshFrom) {
      held.refreshFrom = refreshAgainFrom(entry.expiresAt, at);
      introspector.refresh(key, token, entry);
    }
    return used;
  }

  function hold(entry: CacheEntry): HeldEntry {
    const held = createHeldEntry(entry, resolved);
    heldEntries.set(entry, held);
    return held;
  }

  /** Something was revoked since the entry was last judged. */
  function judge<T>(
    held: HeldEntry,
    entry: CacheEntry,
    at: number,
    key: string,
    token: string,
    options: WaitOptions,
    use: Use<T>,
  ): T | Promise<T> {
    const { generation } = tombstones;
    const decide = (digests: Digests) => {
      if (revocations.cover(entry, digests)) {
        cache.memory?.forget(key);
        // the shared tier may have what was asked for later
        return readShared(cache.get(key, now()), key, token, options, use);
      }
      held.judgedAt = generation;
      return hit(held, entry, at, key, token, use);
    };
    if (generation === 0) return decide([]);
    held.digests ??= revocations.digestsOf(token, entry);
    return held.digests instanceof Promise ? held.digests.then(decide) : decide(held.digests);
  }

  async function readShared<T>(
    pending: ReturnType<TolerantCache['get']>,
    key: string,
    token: string,
    options: WaitOptions,
    use: Use<T>,
  ): Promise<T> {
    const entry = await pending;
    const at = now();
    if (entry === undefined || !isFresh(entry, at) || (await revocations.isRevoked(token, entry)))
      return ask(key, token, options, use, entry === unread);
    emit?.({ type: 'cache_hit', source: 'shared' });
    return use({ entry, source: 'shared', at });
  }

  /** @param isUnread Whether the cache may have an entry that could not be read. */
  async function ask<T>(
    key: string,
    token: string,
    { signal }: WaitOptions,
    use: Use<T>,
    isUnread: boolean,
  ): Promise<T> {
    emit?.({ type: 'cache_miss' });
    const answer = await question(key, token, signal, isUnread).catch((error) => standIn(key, token, error));
    return use(answer);
  }

  async function question(
    key: string,
    token: string,
    signal: AbortSignal | undefined,
    isUnread: boolean,
  ): Promise<Answer> {
    const startedAt = performance.now();
    const introspect = () => introspector.introspect(key, token, signal, isUnread);
    for (let asked = 0; asked < maxQuestions; asked++) {
      const left = timeoutSeconds - (performance.now() - startedAt) / 1000;
      if (left <= 0) throw timeoutError();
      // the first ends by itself, and no later than that
      const found = await (asked === 0 ? introspect() : withinDeadline(left, introspect));
      // revoked while it was in the air: it may tell of the time before
      if (!(await revocations.isRevoked(token, found.entry))) return { ...found, at: now() };
    }
    throw overloaded();
  }

  /** What memory still has of a token about which nothing reliable was said. */
  async function standIn(key: string, token: string, error: unknown): Promise<Answer> {
    const entry = cache.memory?.peek(key);
    const at = now();
    // some servers say 400 of a token that they do not know
    const isUnknown = error instanceof IntrospectionError && error.code !== 'ERR_BAD_REQUEST';
    if (!isUnknown || entry === undefined || !mayStandIn(entry, at, resolved)) throw error;
    if (await revocations.isRevoked(token, entry)) throw error;
    emit?.({ type: 'stale_used', code: error.code });
    return { entry, source: 'stale', at };
  }

  const toResult = ({ entry, at }: Answer) => createIntrospectionResult(entry, at);

  function toAccessToken({ entry, source, at, held }: Answer): JwtAccessToken {
    const { result, expiresAt } = entry;
    if (!result.active) throw new BearerError('ERR_INACTIVE');
    assertUsable(result.claims, resolved, at);
    if (held?.token !== undefined) return held.token;
    const token = createAccessToken(result.jwt, result.claims, expiresAt, source);
    // a hit is the same token every time
    if (held !== undefined) held.token = token;
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
    async revoke(token: string) {
      const key = await keyOf(token);
      introspector.forget(key);
      const done = await Promise.allSettled([
        revocations.revokeToken(token, 'caller'),
        // asynchronous, so that one that throws keeps nobody from hearing
        (async () => resolved.cache.delete(key))(),
      ]);
      for (const outcome of done) if (outcome.status === 'rejected') throw outcome.reason;
    },
    revokeBySubject: (sub: string) => revocations.revokeSubject(sub),
    revokeBySession: (sid: string) => revocations.revokeSession(sid),
    close: () => revocations.close(),
  });
}
