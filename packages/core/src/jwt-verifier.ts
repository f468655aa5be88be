import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { IntrospectionError } from './errors.js';
import type { Fetch } from './http-exchange.js';
import { endpoint, flag, nonEmpty, nonEmptyList, refuseUnknown } from './option-checks.js';
import { nbfLeewaySeconds } from './policy.js';
import { createRemoteKeys } from './remote-keys.js';

/** Judges the JWT that the authorization server returned, once, before it is cached. */
export interface JwtVerifier {
  /** Names all that the judgement rests on; part of the cache key, so that no cache passes on what another trusted. */
  readonly context: string;
  /** @throws {IntrospectionError} ERR_JWT_VERIFICATION: the client of the API did nothing wrong. */
  verify(jwt: string, now: number): Promise<void>;
}

export interface JwtVerifierOptions {
  /** The `iss` that the JWT must have. */
  readonly issuer: string;
  /** The JWT must be meant for one of these. Default: not checked. */
  readonly audience?: string | readonly string[];
  /** The issuer's keys (RFC 7517 §5), where they are known beforehand. */
  readonly jwks?: JSONWebKeySet;
  /** Where the issuer publishes its keys. One of `jwks` and `jwksUri` is needed. */
  readonly jwksUri?: string | URL;
  /** Signature algorithms that count, asymmetric ones only. Default: RS, PS and ES with 256, 384, 512, and EdDSA. */
  readonly algorithms?: readonly string[];
  /** The JWT's `typ` must be one of these (RFC 9068 §4); servers differ, `JWT` is common. Default `at+jwt`. */
  readonly typ?: string | readonly string[];
  /** For `jwksUri`. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /**
   * Allows `http:` to other hosts for `jwksUri`. Default false.
   * @deprecated for tests in closed networks only
   */
  readonly allowInsecureRequests?: boolean;
}

const known: Record<keyof JwtVerifierOptions, true> = {
  issuer: true,
  audience: true,
  jwks: true,
  jwksUri: true,
  algorithms: true,
  typ: true,
  fetch: true,
  allowInsecureRequests: true,
};

const asymmetric = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519|ES256K|ML-DSA-\d\d)$/;
const defaultAlgorithms = [
  ...['RS', 'PS', 'ES'].flatMap((kind) => [256, 384, 512].map((bits) => kind + bits)),
  'EdDSA',
  'Ed25519',
];

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
  const types = list('typ', options.typ ?? 'at+jwt').map(normalizeType);
  const algorithms = list('algorithms', options.algorithms ?? defaultAlgorithms);
  if (!algorithms.every((algorithm) => asymmetric.test(algorithm))) {
    throw new TypeError('algorithms must be asymmetric ones: a shared secret cannot tell who signed');
  }
  const expected: JWTVerifyOptions = {
    issuer,
    algorithms: [...algorithms],
    clockTolerance: nbfLeewaySeconds,
    ...(audience && { audience: [...audience] }),
  };
  const keys = readKeys(options);
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
        throw error instanceof IntrospectionError ? error : refusal(error);
      }
      throw new IntrospectionError(
        'ERR_JWT_VERIFICATION',
        `the JWT's typ is not ${types.join(' or ')}; set typ if the server is right`,
      );
    },
  });
}

interface Keys {
  readonly context: unknown;
  at(now: number): JWTVerifyGetKey;
}

function readKeys({ jwks, jwksUri, fetch: ownFetch, allowInsecureRequests }: JwtVerifierOptions): Keys {
  if ((jwks === undefined) === (jwksUri === undefined))
    throw new TypeError('jwks or jwksUri must be given, and not both');
  if (jwks !== undefined) {
    const local = createLocal(jwks);
    return { context: jwks, at: () => local };
  }
  const url = endpoint('jwksUri', jwksUri, flag('allowInsecureRequests', allowInsecureRequests, false));
  return { context: url, at: createRemoteKeys(url, ownFetch ?? ((input, init) => fetch(input, init))) };
}

function createLocal(jwks: JSONWebKeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(jwks);
  } catch {
    throw new TypeError('jwks must be a JSON Web Key Set');
  }
}

// RFC 7515 §4.1.9: "application/" may be left out, and media types know no case
const normalizeType = (typ: string) => typ.toLowerCase().replace(/^application\//, '');

// a JWT without `kid` may fit several keys (RFC 7517 §4.5)
async function verifyWithAnyKey(jwt: string, key: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(jwt, key, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const candidate of error) {
      const verified = await jwtVerify(jwt, candidate, options).catch(ignoreWrongKey);
      if (verified !== undefined) return verified;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function ignoreWrongKey(error: unknown): undefined {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
}

// jose's own errors carry the claims; only their code goes on
function refusal(error: unknown): IntrospectionError {
  const { code, claim } = error as { code?: string; claim?: string };
  const reason = [code ?? 'ERR_KEY', claim].filter((part) => part !== undefined && part !== '').join(', ');
  return new IntrospectionError(
    'ERR_JWT_VERIFICATION',
    `the JWT from the authorization server did not verify (${reason})`,
  );
}
