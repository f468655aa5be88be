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
  /**
   * NumericDate at which the authorization server was asked. What was revoked later makes the entry a miss; a cache
   * that loses this makes it a miss for whatever was ever revoked. One that lies more than 60 s ahead is from before the
   * clock was set back, and makes the entry a miss.
   */
  readonly storedAt?: number;
  /**
   * NumericDate until which memory keeps the entry past `expiresAt`, to stand in while the authorization server gives
   * no answer (see `staleIfErrorSeconds`). Absent: not at all. Shared tiers need not keep it.
   */
  readonly staleUntil?: number;
}

/** What a claim came to: an entry to use, or the word that it is ours to ask. Either, both or neither may be there. */
export interface CacheClaim {
  /** What the cache holds for the key by now: another instance has stored it since the caller's miss. */
  readonly entry?: CacheEntry;
  /** Gives the claim back. Called once, after `set` or when there is nothing to set; nobody waits for it. */
  readonly release?: () => void;
}

/** What a cache holds in this very process, past its deadline or not. */
export interface MemoryTier {
  /** The entry, without its being used: no deadline is looked at, and nothing becomes more recent. */
  peek(key: string): CacheEntry | undefined;
  /** Forgets the entry here, not in any shared tier. */
  forget(key: string): void;
  /** Forgets everything. */
  clear(): void;
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
  /**
   * Not needed; for shared tiers. Called after a miss, before the authorization server is asked, so that of several
   * instances one asks. Who gets the claim looks once more whether an entry is there by now, and else asks; who does
   * not get it waits for the entry, and asks when it does not come. It only saves work: errors, slowness and wrong
   * answers cost an introspection more. A claim that is never released must end by itself.
   * @param now NumericDate of the caller's clock.
   * @param budgetSeconds The longest that it may take; later answers are not heard, only released.
   */
  claim?(key: string, now: number, budgetSeconds: number): Promise<CacheClaim>;
  /** Not needed; the tier that lives in this process, where there is one. Without it nothing stale is used. */
  readonly memory?: MemoryTier;
}
