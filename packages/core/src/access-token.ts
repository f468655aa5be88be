import type { Claims } from './cache.js';

/**
 * Where an answer came from: this process's memory, a cache or another instance that had to be waited for, the
 * authorization server, the verification of a token that is a JWT itself, or memory past the answer's time while the
 * authorization server gives none (`staleIfErrorSeconds`).
 */
export type Source = 'memory' | 'shared' | 'introspection' | 'verification' | 'stale';

/**
 * The JWT behind a presented token. Frozen. `jwt`, `authorization` and `claims` are kept out of `util.inspect` and `JSON.stringify`, so
 * that a logged request shows none of them.
 */
export interface JwtAccessToken {
  /** The compact JWT, for the upstream's Authorization header. */
  readonly jwt: string;
  /** `Bearer <jwt>`, made once. */
  readonly authorization: string;
  /** What the authorization server said of the token; `claims.exp` is the token's own end. */
  readonly claims: Claims;
  /** NumericDate after which this answer is not reused and the authorization server is asked again. */
  readonly expiresAt: number;
  readonly source: Source;
}

class AccessToken implements JwtAccessToken {
  readonly #jwt: string;
  readonly #authorization: string;
  readonly #claims: Claims;
  #foundBy: object | undefined;
  readonly expiresAt: number;
  readonly source: Source;

  constructor(jwt: string, claims: Claims, expiresAt: number, source: Source) {
    this.#jwt = jwt;
    this.#authorization = `Bearer ${jwt}`;
    this.#claims = claims;
    this.expiresAt = expiresAt;
    this.source = source;
    Object.freeze(this);
  }

  get jwt(): string {
    return this.#jwt;
  }

  get authorization(): string {
    return this.#authorization;
  }

  get claims(): Claims {
    return this.#claims;
  }

  static sign(token: JwtAccessToken, client: object): JwtAccessToken {
    if (#foundBy in token && token.#foundBy !== client) token.#foundBy = client;
    return token;
  }

  static isSigned(token: JwtAccessToken, client: object | undefined): boolean {
    return client !== undefined && #foundBy in token && token.#foundBy === client;
  }
}

export function createAccessToken(
  jwt: string,
  claims: Claims,
  expiresAt: number,
  source: Source,
): JwtAccessToken {
  return new AccessToken(jwt, claims, expiresAt, source);
}

/** Notes whose token it is, so that a second guard of the same client need not look for it again. */
export const signToken = AccessToken.sign;

/** Whether this very token was found through this very client; what another issuer's client found does not count. */
export const isTokenOf = AccessToken.isSigned;
