import type { CacheEntry, Claims, IntrospectionResult } from './cache.js';

/** What was said of an active token, with all that is secret out of sight of whoever logs it. */
class ActiveResult {
  readonly active = true;
  readonly #jwt: string;
  readonly #claims: Claims;

  constructor(jwt: string, claims: Claims) {
    this.#jwt = jwt;
    this.#claims = claims;
    Object.freeze(this);
  }

  get jwt(): string {
    return this.#jwt;
  }

  get claims(): Claims {
    return this.#claims;
  }
}

const inactive = Object.freeze({ active: false as const });

/** What an entry says, by the clock of now. Entries themselves stay plain data, for caches. */
export function createIntrospectionResult({ result }: CacheEntry, now: number): IntrospectionResult {
  if (!result.active) return inactive;
  const { exp } = result.claims;
  return exp !== undefined && exp <= now ? inactive : new ActiveResult(result.jwt, result.claims);
}
