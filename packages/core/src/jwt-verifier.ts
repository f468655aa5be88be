import type { JWTVerifyOptions } from 'jose';
import { IntrospectionError } from './errors.js';
import { nonEmpty, nonEmptyList, refuseUnknown } from './option-checks.js';
import { nbfLeewaySeconds } from './policy.js';
import {
  readAlgorithms,
  readVerificationKeys,
  refusal,
  type VerificationKeyOptions,
  verificationKeyOptions,
  verifyWithAnyKey,
} from './verification-keys.js';

/** Judges the JWT that the authorization server returned, once, before it is cached. */
export interface JwtVerifier {
  /** Names all that the judgement rests on; part of the cache key, so that no cache passes on what another trusted. */
  readonly context: string;
  /**
   * @throws {IntrospectionError} ERR_JWT_VERIFICATION: the client of the API did nothing wrong. Another code, such as
   * ERR_KEYS_UNAVAILABLE, means that nothing is known of the JWT.
   */
  verify(jwt: string, now: number): Promise<void>;
}

export interface JwtVerifierOptions extends VerificationKeyOptions {
  /** The `iss` that the JWT must have. */
  readonly issuer: string;
  /** The JWT must be meant for one of these. Default: not checked. */
  readonly audience?: string | readonly string[];
  /** The JWT's `typ` must be one of these (RFC 9068 §4); servers differ, `JWT` is common. Default `at+jwt`. */
  readonly typ?: string | readonly string[];
}

const known: Record<keyof JwtVerifierOptions, true> = {
  ...verificationKeyOptions,
  issuer: true,
  audience: true,
  typ: true,
};

/**
 * Verifies signature, `iss`, `aud`, `exp`, `nbf` and `typ` (RFC 9068 §4, RFC 8725), on jose.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function jwtVerifier(options: JwtVerifierOptions): JwtVerifier {
  refuseUnknown('jwtVerifier', options, known);
  const list = (name: string, value: string | readonly string[]) =>
    nonEmptyList(name, typeof value === 'string' ? [value] : value);
  const issuer = nonEmpty('issuer', options.issuer);
  const audience = options.audience === undefined ? undefined : list('audience', options.audience);
  const { typ = 'at+jwt' } = options;
  const types = list('typ', typ).map(normalizeType);
  const algorithms = readAlgorithms(options.algorithms);
  const expected: JWTVerifyOptions = {
    issuer,
    algorithms: [...algorithms],
    clockTolerance: nbfLeewaySeconds,
    ...(audience && { audience: [...audience] }),
  };
  const keys = readVerificationKeys(options);
  return Object.freeze({
    context: JSON.stringify([issuer, audience, types, algorithms, keys.context]),
    async verify(jwt: string, now: number) {
      try {
        const { protectedHeader } = await verifyWithAnyKey(jwt, keys.at(now), {
          ...expected,
          currentDate: new Date(now * 1000),
        });
        if (types.includes(normalizeType(protectedHeader.typ ?? ''))) return;
      } catch (error) {
        throw refusal('ERR_JWT_VERIFICATION', 'the JWT from the authorization server', error);
      }
      throw new IntrospectionError(
        'ERR_JWT_VERIFICATION',
        `the JWT's typ is not ${types.join(' or ')}; set typ if the server is right`,
      );
    },
  });
}

// RFC 7515 §4.1.9: "application/" may be left out, and media types know no case
const normalizeType = (typ: string) => typ.toLowerCase().replace(/^application\//, '');
