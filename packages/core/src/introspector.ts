import type { Source } from './access-token.js';
import type { CacheEntry } from './cache.js';
import { createCircuitBreaker } from './circuit-breaker.js';
import { type ConcurrencyLimit, createConcurrencyLimit } from './concurrency-limit.js';
import { waitFor, withinDeadline } from './deadline.js';
import { IntrospectionError, overloaded } from './errors.js';
import type { Emit } from './events.js';
import { isFresh } from './freshness.js';
import { createInquiry } from './inquiry.js';
import type { ResolvedClientOptions } from './resolved-client-options.js';
import type { Revocations } from './revocations.js';
import { requestsShareIo } from './runtime.js';
import { createSingleFlight, createSoloFlight } from './single-flight.js';
import type { TolerantCache } from './tolerant-cache.js';

/** An answer, and whether it came from the authorization server or from another instance that had just asked. */
export interface Found {
  readonly entry: CacheEntry;
  readonly source: Source;
}

export interface Introspector {
  /**
   * Asks the authorization server, or joins who is asking already, and stores the answer.
   * @param isUnread Whether the cache may have an entry that could not be read.
   */
  introspect(key: string, token: string, signal: AbortSignal | undefined, isUnread: boolean): Promise<Found>;
  /** The same in the background, for an entry that is still good: nobody waits, and a failure changes nothing. */
  refresh(key: string, token: string, current: CacheEntry): void;
  /** What is in the air for this key will not be stored. */
  forget(key: string): void;
}

/** How much of an introspection's time may go into finding out whether another instance asks. */
const claimShare = 1 / 4;
const mostClaimSeconds = 0.5;

/** How much of it may go into waiting for others to end, so that the server has time for those which begin. */
const queueShare = 1 / 2;

/** How many of the introspections that run at once may be refreshes, so that those which somebody waits for find room. */
const refreshShare = 1 / 4;

/** The way to the authorization server and back: one call per key, bounded in number, time and size. */
export function createIntrospector(
  options: ResolvedClientOptions,
  cache: TolerantCache,
  revocations: Revocations,
  emit: Emit | undefined,
): Introspector {
  const { now, timeoutSeconds, maxConcurrentIntrospections } = options;
  const shared = requestsShareIo();
  const flights = shared
    ? createSingleFlight<Found>({
        maxWaiters: options.maxWaiters,
        onJoin: () => emit?.({ type: 'flight_joined' }),
      })
    : createSoloFlight<Found>();
  const enter: ConcurrencyLimit = shared
    ? createConcurrencyLimit(maxConcurrentIntrospections, options.maxQueuedIntrospections)
    : (task) => task();
  const protect = createCircuitBreaker(options, emit);
  const ask = createInquiry(options, emit);
  const claimSeconds = Math.min(timeoutSeconds * claimShare, mostClaimSeconds);
  const maxRefreshes = Math.max(1, Math.floor(maxConcurrentIntrospections * refreshShare));
  let refreshes = 0;
  const maxFlights = shared
    ? maxConcurrentIntrospections + options.maxQueuedIntrospections
    : Number.POSITIVE_INFINITY;
  let inAir = 0;

  /**
   * Those that wait for another instance's answer count as if they queued: they will, should it not come.
   * @param current What is to be replaced, where it is still good.
   */
  async function fly(
    key: string,
    token: string,
    isCurrent: () => boolean,
    current: CacheEntry | undefined,
    isUnread: boolean,
  ): Promise<Found> {
    if (inAir >= maxFlights) {
      const error = overloaded();
      reportFailure(error, 0);
      throw error;
    }
    inAir++;
    try {
      return await claimAndIntrospect(key, token, isCurrent, current, isUnread);
    } finally {
      inAir--;
    }
  }

  async function claimAndIntrospect(
    key: string,
    token: string,
    isCurrent: () => boolean,
    current: CacheEntry | undefined,
    isUnread: boolean,
  ): Promise<Found> {
    const startedAt = performance.now();
    const claim = await cache.claim?.(key, now(), claimSeconds);
    try {
      const entry = claim?.entry;
      if (entry !== undefined && isNewer(entry, current) && !(await revocations.isRevoked(token, entry))) {
        emit?.({ type: 'claim_joined' });
        return { entry, source: 'shared' };
      }
      const seconds = timeoutSeconds - secondsSince(startedAt);
      return await introspect(key, token, isCurrent, current, isUnread, seconds);
    } finally {
      claim?.release?.();
    }
  }

  const isNewer = (entry: CacheEntry, current: CacheEntry | undefined) =>
    entry.result.active &&
    isFresh(entry, now()) &&
    (current === undefined || (entry.storedAt as number) > (current.storedAt as number));

  async function introspect(
    key: string,
    token: string,
    isCurrent: () => boolean,
    current: CacheEntry | undefined,
    isUnread: boolean,
    seconds: number,
  ): Promise<Found> {
    const startedAt = performance.now();
    // before the question: what is revoked from here on may not be in the answer
    const { generation } = revocations.tombstones;
    let entry: CacheEntry;
    try {
      entry = await protect(() =>
        // only the time from here on is the server's: what is spent in our own queue says nothing of it
        enter(
          () => withinDeadline(seconds - secondsSince(startedAt), (signal) => ask(token, signal)),
          seconds * queueShare,
        ),
      );
    } catch (error) {
      reportFailure(error, secondsSince(startedAt));
      throw error;
    }
    const outcome = entry.result.active ? 'active' : 'inactive';
    emit?.({ type: 'introspection', outcome, durationSeconds: secondsSince(startedAt) });
    revocations.noteAsked(entry, generation);
    if (!entry.result.active && isCurrent()) await end(key, token, current, isUnread);
    if (entry.expiresAt > now() && isCurrent() && !(await revocations.isRevoked(token, entry)))
      await cache.set(key, entry, now());
    return { entry, source: 'introspection' };
  }

  /** Whether somebody may hold an entry that calls the token active. */
  const isKnown = (key: string, current: CacheEntry | undefined) =>
    current !== undefined || cache.memory?.peek(key)?.result.active === true;

  /** What called the token active is not used again, here or elsewhere. */
  async function end(
    key: string,
    token: string,
    current: CacheEntry | undefined,
    isUnread: boolean,
  ): Promise<void> {
    // how far the word gets is no matter of this request
    if (isKnown(key, current)) revocations.revokeToken(token, 'server').catch(() => {});
    // others need not hear of every token that nobody knows
    else if (isUnread) await revocations.buryToken(token);
    else return;
    await cache.delete(key);
  }

  function reportFailure(error: unknown, durationSeconds: number): void {
    if (!(error instanceof IntrospectionError)) return;
    const { code, message, serverStatus } = error;
    const level = code === 'ERR_CREDENTIALS_REFUSED' ? 'error' : 'warning';
    const status = serverStatus === undefined ? {} : { serverStatus };
    emit?.({ type: 'introspection', outcome: 'unknown', code, level, message, ...status, durationSeconds });
  }

  return {
    introspect: (key, token, signal, isUnread) =>
      waitFor(
        flights.join(key, (isCurrent) => fly(key, token, isCurrent, undefined, isUnread)),
        signal,
      ),
    refresh(key, token, current) {
      if (!shared || refreshes >= maxRefreshes || flights.has(key)) return;
      refreshes++;
      emit?.({ type: 'refresh' });
      flights
        .join(key, (isCurrent) => fly(key, token, isCurrent, current, false))
        .catch(() => {})
        .finally(() => refreshes--);
    },
    forget: (key) => flights.forget(key),
  };
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
