/** The claims behind a token, with their names as on the wire. Frozen, deeply. */
export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly client_id?: string;
  readonly token_type?: string;
  readonly scope?: string;
  /** NumericDate, whole seconds. */
  readonly exp?: number;
  /** NumericDate, whole seconds. */
  readonly nbf?: number;
  /** NumericDate, whole seconds. */
  readonly iat?: number;
  readonly cnf?: Readonly<Record<string, unknown>>;
  readonly [claim: string]: unknown;
}

/** What the authorization server said of a token (RFC 7662 §2.2): the outcomes ACTIVE and INACTIVE. */
export type IntrospectionResult =
  | { readonly active: true; readonly jwt: string; readonly claims: Claims }
  | { readonly active: false };

/** Plain data: `JSON.parse(JSON.stringify(entry))` is an equal entry. */
export interface CacheEntry {
  readonly result: IntrospectionResult;
  /** NumericDate after which the entry must not be used. It never moves. */
  readonly expiresAt: number;
}

/**
 * Where answers are kept between requests. Keys are opaque digests. A cache may lose any entry at any time; one that
 * throws or rejects is treated as empty. The client checks `expiresAt` on every read, so a cache may return entries
 * that are past it. A cache that other processes see must ignore entries with `active: false`.
 */
export interface TokenCache {
  /**
   * The entry, or `undefined`. Answering without a promise keeps a hit synchronous.
   * @param now NumericDate of the caller's clock, for caches that look at `expiresAt` themselves.
   */
  get(key: string, now?: number): CacheEntry | undefined | Promise<CacheEntry | undefined>;
  /** @param now NumericDate of the caller's clock; the time to live is `entry.expiresAt - now` seconds. */
  set(key: string, entry: CacheEntry, now?: number): void | Promise<void>;
  delete(key: string): void | Promise<void>;
}
