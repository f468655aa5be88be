import type { Claims } from './cache.js';
import type { Emit, WarningCode } from './events.js';

/** A 13-digit "NumericDate" lies in the year 33658: somebody counted milliseconds. */
const firstMillisecondDate = 100_000_000_000;
const skewSeconds = 60;

export interface Warnings {
  cacheForbidden(): void;
  oddDates(claims: Claims, now: number): void;
  noTokenType(): void;
  clockSkew(aheadSeconds: number): void;
}

/** Hints at what is set up wrong elsewhere; each is given once. */
export function createWarnings(emit: Emit | undefined): Warnings {
  const given = new Set<WarningCode>();
  const warn = (code: WarningCode, message: string) => {
    if (given.has(code)) return;
    given.add(code);
    emit?.({ type: 'warning', code, message });
  };
  return {
    cacheForbidden() {
      warn(
        'WARN_CACHE_FORBIDDEN',
        "the authorization server's Cache-Control forbids reuse, so every request is introspected; set obeyCacheControl: false to reuse answers for maxTtlSeconds",
      );
    },
    oddDates({ exp, iat }, now) {
      if (exp !== undefined && exp >= firstMillisecondDate) {
        warn(
          'WARN_EXP_IN_MILLISECONDS',
          'the exp of a token looks like milliseconds; NumericDates are seconds',
        );
      }
      if (iat !== undefined && iat > now + skewSeconds) {
        warn(
          'WARN_ISSUED_IN_THE_FUTURE',
          "a token's iat lies in the future: compare the authorization server's clock with ours",
        );
      }
    },
    clockSkew(aheadSeconds) {
      if (Math.abs(aheadSeconds) <= skewSeconds) return;
      warn(
        'WARN_CLOCK_SKEW',
        `the authorization server's clock is ${Math.abs(Math.round(aheadSeconds))} seconds ${aheadSeconds > 0 ? 'ahead of' : 'behind'} ours: have both set by NTP`,
      );
    },
    noTokenType() {
      warn(
        'WARN_NO_TOKEN_TYPE',
        'the authorization server calls a token active without a token_type, so that it may be a refresh token and no JWT is minted; set requireTokenType: false if it never says so',
      );
    },
  };
}
