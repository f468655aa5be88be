export interface FreshnessOptions {
  readonly maxTtlSeconds: number;
  readonly earlyExpirySeconds: number;
  readonly noExpiryTtlSeconds: number;
  readonly obeyCacheControl: boolean;
}

export interface CacheControl {
  /** `no-store`, `no-cache` or `max-age=0` was said. */
  readonly forbidden: boolean;
  /** `max-age`, less the answer's `Age`. Seconds. */
  readonly maxAgeSeconds: number | undefined;
}

/** Reads Cache-Control and Age (RFC 9111 §5); what is malformed counts as not said. */
export function parseCacheControl(headers: Headers): CacheControl {
  let forbidden = false;
  let maxAgeSeconds: number | undefined;
  for (const directive of (headers.get('Cache-Control') ?? '').toLowerCase().split(',')) {
    const [, name, value] = /^\s*([a-z-]+)(?:="?(\d+)"?)?\s*$/.exec(directive) ?? [];
    if ((name === 'no-store' || name === 'no-cache') && value === undefined) forbidden = true;
    if (name === 'max-age' && value !== undefined) {
      maxAgeSeconds = Math.min(Number(value), maxAgeSeconds ?? Number.POSITIVE_INFINITY);
    }
  }
  if (maxAgeSeconds === 0) forbidden = true;
  const age = /^\s*(\d+)\s*$/.exec(headers.get('Age') ?? '')?.[1];
  if (maxAgeSeconds !== undefined && age !== undefined)
    maxAgeSeconds = Math.max(0, maxAgeSeconds - Number(age));
  return { forbidden, maxAgeSeconds };
}

/**
 * The NumericDate until which an answer for an active token may be reused: the earliest of what the configuration, the
 * token's `exp` and the server's Cache-Control allow. Not later than `now` means: not at all.
 */
export function freshUntil(
  now: number,
  exp: number | undefined,
  { forbidden, maxAgeSeconds }: CacheControl,
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
