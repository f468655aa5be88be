import type { JwtAccessToken } from './access-token.js';
import type { CacheEntry } from './cache.js';
import { type RefreshOptions, refreshFrom } from './refresh-ahead.js';
import type { Digests } from './revocations.js';

/** What goes with an entry while memory holds it, so that a hit works out nothing twice. */
export interface HeldEntry {
  token: JwtAccessToken | undefined;
  /** The count of revocations at which the entry was last found to be none of them. */
  judgedAt: number;
  digests: Digests | Promise<Digests> | undefined;
  /** NumericDate from which on a hit starts a refresh. */
  refreshFrom: number;
}

export const createHeldEntry = (entry: CacheEntry, options: RefreshOptions): HeldEntry => ({
  token: undefined,
  judgedAt: -1,
  digests: undefined,
  refreshFrom: refreshFrom(entry, options),
});
