import type { CacheEntry } from './cache.js';

export interface FreshnessOptions {
  readonly maxTtlSeconds: number;
  readonly earlyExpirySeconds: number;
  readonly noExpiryTtlSeconds: number;
  readonly obeyCacheControl: boolean;
  readonly staleIfErrorSeconds: number;
}

export interface CacheControl {
  /** `no-store`, `no-cache` or `max-age=0` was said. */
  readonly forbidden: boolean;
  /** `max-age`, less the answer's `Age`. Seconds. */
  readonly maxAgeSeconds: number | undefined;
  /** How long past its time an answer may stand in for an error: `stale-if-error` (RFC 5861 §4), 0 for `must-revalidate`. */
  readonly maxStaleSeconds: number | undefined;
}

/** Reads Cache-Control and Age (RFC 9111 §5); what is malformed counts as not said. */
export function parseCacheControl(headers: Headers): CacheControl {
  let forbidden = false;
  let maxAgeSeconds: number | undefined;
  let maxStaleSeconds: number | undefined;
  for (const directive of (headers.get('Cache-Control') ?? '').toLowerCase().split(',')) {
    const [, name, value] = /^\s*([a-z-]+)(?:="?(\d+)"?)?\s*$/.exec(directive) ?? [];
    if ((name === 'no-store' || name === 'no-cache') && value === undefined) forbidden = true;
    if (name === 'must-revalidate' || name === 'proxy-revalidate') maxStaleSeconds = 0;
    if (name === 'stale-if-error' && value !== undefined)
      maxStaleSeconds = earlier(maxStaleSeconds, Number(value));
    if (name === 'max-age' && value !== undefined) {
      maxAgeSeconds = earlier(maxAgeSeconds, Number(value));
    }
  }
  if (maxAgeSeconds === 0) forbidden = true;
  const age = /^\s*(\d+)\s*$/.exec(headers.get('Age') ?? '')?.[1];
  if (maxAgeSeconds !== undefined && age !== undefined)
    maxAgeSeconds = Math.max(0, maxAgeSeconds - Number(age));
  return { forbidden, maxAgeSeconds, maxStaleSeconds };
}

/** How far the server's clock is ahead of ours by the Date of its answer (RFC 9110 §6.6.1). Seconds; negative is behind. */
export function secondsAhead(headers: Headers, now: number): number | undefined {
  const date = Date.parse(headers.get('Date') ?? '');
  return Number.isNaN(date) ? undefined : date / 1000 - now;
}

/** When a token ends, told by a clock of ours that may be behind the server's. One that is ahead ends it early as it is. */
export const onOurClock = (exp: number | undefined, aheadSeconds = 0): number | undefined =>
  exp === undefined ? undefined : exp - Math.max(0, aheadSeconds);

const earlier = (one: number | undefined, other: number | undefined) =>
  Math.min(one ?? Number.POSITIVE_INFINITY, other ?? Number.POSITIVE_INFINITY);

/**
 * The NumericDate until which an answer for an active token may be reused: the earliest of what the configuration, the
 * token's `exp` and the server's Cache-Control allow. Not later than `now` means: not at all.
 */
export function freshUntil(
  now: number,
  exp: number | undefined,
  { forbidden, maxAgeSeconds }: Omit<CacheControl, 'maxStaleSeconds'>,
  options: FreshnessOptions,
): number {
  const obeyed = options.obeyCacheControl ? maxAgeSeconds : undefined;
  if (options.obeyCacheControl && forbidden) return now;
  const ttl = exp === undefined && obeyed === undefined ? options.noExpiryTtlSeconds : obeyed;
  return Math.min(
    now + options.maxTtlSeconds,
    now + (ttl ?? Number.POSITIVE_INFINITY),
    (exp ?? Number.POSITIVE_INFINITY) - options.earlyExpirySeconds,
  );
}

/**
 * The NumericDate until which an answer for an active token may stand in, past its time, while no other is to be had.
 * Not later than `expiresAt` means: not at all.
 */
export function staleUntil(
  expiresAt: number,
  exp: number | undefined,
  { maxStaleSeconds }: Pick<CacheControl, 'maxStaleSeconds'>,
  { staleIfErrorSeconds, obeyCacheControl }: FreshnessOptions,
): number {
  const allowed = obeyCacheControl ? earlier(maxStaleSeconds, staleIfErrorSeconds) : staleIfErrorSeconds;
  return earlier(expiresAt + allowed, exp);
}

/** How far a minted JWT outlives its cache entry, so that one forwarded at the last moment still arrives. Seconds. */
const mintedMarginSeconds = 10;

/** The NumericDate at which a JWT of our own ends: with its cache entry, never after the token's `exp`. */
export function mintedUntil(
  now: number,
  expiresAt: number,
  exp: number | undefined,
  { earlyExpirySeconds }: FreshnessOptions,
): number {
  const margin = Math.max(earlyExpirySeconds, mintedMarginSeconds);
  return Math.floor(Math.min(exp ?? Number.POSITIVE_INFINITY, Math.max(expiresAt, now) + margin));
}

/** What was stored further ahead of now was stored before the clock was set back: its deadline is no good any more. Seconds. */
const clockToleranceSeconds = 60;

const isFromAhead = ({ storedAt }: CacheEntry, now: number) =>
  (storedAt as number) > now + clockToleranceSeconds;

/** Whether an answer may still be used, by the clock of now. */
export const isFresh = (entry: CacheEntry, now: number): boolean =>
  entry.expiresAt > now && !isFromAhead(entry, now);

/** Whether a cached answer past its time may stand in; what its cache made of `staleUntil` is not believed alone. */
export function mayStandIn(entry: CacheEntry, now: number, options: FreshnessOptions): boolean {
  const { result, expiresAt, staleUntil: until } = entry;
  if (!result.active || until === undefined || isFromAhead(entry, now)) return false;
  return (
    now < Math.min(until, staleUntil(expiresAt, result.claims.exp, { maxStaleSeconds: undefined }, options))
  );
}
