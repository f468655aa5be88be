import { type JSONWebKeySet, SignJWT } from 'jose';
import type { Claims } from './cache.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import { createKeyRing } from './key-ring.js';
import { endpoint, flag, nonEmpty, nonEmptyList, refuseUnknown, seconds } from './option-checks.js';
import type { Secret } from './secret.js';
import { isAsymmetric, type PrivateKey } from './signing-key.js';

/** Makes a JWT of our own out of what the authorization server said of a token. */
export interface JwtMinter {
  /** Names all that shapes the JWT but the keys, which change; part of the cache key. */
  readonly context: string;
  /** Whether only what the server calls a `token_type` of `Bearer` or `DPoP` may be minted for. The caller sees to it. */
  readonly requireTokenType: boolean;
  /**
   * A JWT (RFC 9068) with these claims that ends at `lifetime.expiresAt`, or at the token's own `exp` where that is
   * earlier. Both of `lifetime` are NumericDates.
   * @throws {IntrospectionError} ERR_MINTING
   */
  mint(claims: Claims, lifetime: { readonly now: number; readonly expiresAt: number }): Promise<string>;
  /**
   * The public halves of all keys (RFC 7517 §5).
   * @throws {IntrospectionError} ERR_MINTING while no key could be read.
   */
  jwks(): Promise<JSONWebKeySet>;
}

export interface JwtMinterOptions {
  /** `iss` of the JWT: ours, not the authorization server's. An `https:` URL without query and fragment. */
  readonly issuer: string;
  /**
   * RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519. The first one signs, all are published. A function is
   * asked for them at first use, and then every `keysReloadSeconds`.
   */
  readonly keys: Secret<PrivateKey | readonly PrivateKey[]>;
  /** Signature algorithm of all keys. Default: each key's own `alg`, or what fits its curve, or `RS256`. */
  readonly algorithm?: string;
  /**
   * `aud` of the JWT: the API behind us, whatever the token names. Default: the token's own `aud`; for one without, no
   * JWT is made, since RFC 9068 §2.2 wants an audience.
   */
  readonly audience?: string | readonly string[];
  /** `typ` of the JWT's header. Default `at+jwt` (RFC 9068 §2.1). */
  readonly typ?: string;
  /**
   * Whether the server must say `token_type: Bearer` or `DPoP`; some call refresh tokens active too. Default true.
   * `false` is for servers that never say it, and know no active refresh token.
   */
  readonly requireTokenType?: boolean;
  /**
   * How old keys from a function may be before it is asked again, in the background: a process that was idle signs once
   * more with those it has. While the function fails they stay in use. Seconds, default 60.
   */
  readonly keysReloadSeconds?: number;
}

const known: Record<keyof JwtMinterOptions, true> = {
  issuer: true,
  keys: true,
  algorithm: true,
  audience: true,
  typ: true,
  requireTokenType: true,
  keysReloadSeconds: true,
};

/**
 * Members of an answer that are not copied: what is said in other words or by us, and those in which servers put a
 * token, which the JWT must not give away. Nor is `jti`, which some make of the opaque token: ours takes its place.
 */
const withheld = new Set([
  ...['active', 'token_type', 'token_iss'],
  ...['token', 'access_token', 'refresh_token', 'id_token', 'phantom_token', 'jwt'],
]);

/**
 * Mints JWTs for APIs behind us, where the authorization server returns none (RFC 9068). The JWT says what the server
 * said, except that `iss` is ours (the server's is in `token_iss`), `jti` is fresh, `iat` is the moment of minting, and
 * `exp` lies `earlyExpirySeconds` after the end of the cache entry, at least 10 s, and never after the token's. With
 * `maxTtlSeconds` that is how long an API may take a JWT of a token that was revoked; what stands in by
 * `staleIfErrorSeconds` is of use until then only. No `sub` and no `client_id` is made up where the server gave none.
 *
 * To rotate, append the next key, put it first once `jwksDocument` has shown it for as long as verifiers keep a set, and
 * remove the old one when its last JWT has ended.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function jwtMinter(options: JwtMinterOptions): JwtMinter {
  refuseUnknown('jwtMinter', options, known);
  const issuer = readIssuer(options.issuer);
  const audience = readAudience(options.audience);
  const algorithm = readAlgorithm(options.algorithm);
  const { typ = 'at+jwt' } = options;
  nonEmpty('typ', typ);
  const requireTokenType = flag('requireTokenType', options.requireTokenType, true);
  const reloadSeconds = seconds('keysReloadSeconds', options.keysReloadSeconds, 60, { positive: true });
  const ring = createKeyRing(options.keys, { algorithm, reloadSeconds });
  return Object.freeze({
    context: JSON.stringify([issuer, audience, typ, algorithm, requireTokenType]),
    requireTokenType,
    async mint(claims: Claims, { now, expiresAt }: { readonly now: number; readonly expiresAt: number }) {
      const aud = audience ?? claims.aud;
      if (aud === undefined)
        throw fault('the token names no audience, which a JWT needs (RFC 9068 §2.2); set audience');
      const exp = Math.floor(Math.min(expiresAt, claims.exp ?? Number.POSITIVE_INFINITY));
      if (!Number.isFinite(exp) || exp <= now) throw fault('the JWT would have ended by now');
      const [{ key, header }] = await ring.current();
      const payload = {
        ...described(claims),
        ...{
          iss: issuer,
          aud: typeof aud === 'string' ? aud : [...aud],
          exp,
          iat: Math.floor(now),
          jti: crypto.randomUUID(),
        },
      };
      return new SignJWT(payload).setProtectedHeader({ ...header, typ }).sign(key);
    },
    async jwks() {
      return deepFreeze({ keys: (await ring.current()).map(({ jwk }) => jwk) });
    },
  });
}

const fault = (reason: string) => new IntrospectionError('ERR_MINTING', `jwtMinter: ${reason}`);

/** What the server said of the token, without what is ours to say or nobody's to know. */
function described(claims: Claims): Record<string, unknown> {
  const copied = Object.entries(claims).filter(([name]) => !withheld.has(name));
  const { iss } = claims;
  return { ...Object.fromEntries(copied), ...(iss !== undefined && { token_iss: iss }) };
}

function readIssuer(value: string): string {
  const issuer = endpoint('issuer', value, false);
  if (issuer.includes('?')) throw new TypeError('issuer must not have a query (RFC 8414 §2)');
  return issuer;
}

function readAudience(value: string | readonly string[] | undefined) {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? nonEmpty('audience', value) : nonEmptyList('audience', value);
}

function readAlgorithm(value: string | undefined): string | undefined {
  if (value === undefined || isAsymmetric(value)) return value;
  throw new TypeError(
    'algorithm must be RS, PS or ES with 256, 384 or 512, or EdDSA: others could sign with a shared secret',
  );
}
