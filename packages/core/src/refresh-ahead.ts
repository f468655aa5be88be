import type { CacheEntry } from './cache.js';

export interface RefreshOptions {
  readonly refreshAhead: number;
  readonly earlyExpirySeconds: number;
}

/**
 * The NumericDate from which on the use of an entry brings a new one about: a random moment of the last share of its
 * time, so that neither all tokens nor all instances come at once. Infinity where asking again gains nothing.
 * @param random From 0 to 1; 1 is the earliest moment.
 */
export function refreshFrom(
  { result, storedAt, expiresAt }: CacheEntry,
  { refreshAhead, earlyExpirySeconds }: RefreshOptions,
  random: () => number = Math.random,
): number {
  if (refreshAhead === 0 || !result.active || storedAt === undefined) return Number.POSITIVE_INFINITY;
  const { exp } = result.claims;
  // the token itself ends then: no answer could last longer
  if (exp !== undefined && expiresAt >= exp - earlyExpirySeconds) return Number.POSITIVE_INFINITY;
  return expiresAt - (expiresAt - storedAt) * refreshAhead * random();
}

/** When to try again after a try at `now`, should that fail: half the time that is left, so that tries are few. */
export const refreshAgainFrom = (expiresAt: number, now: number) => now + Math.max(1, (expiresAt - now) / 2);
