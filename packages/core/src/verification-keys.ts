import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';
import { IntrospectionError, type IntrospectionErrorCode } from './errors.js';
import { type Fetch, readFetch } from './http-exchange.js';
import { endpoint, flag, nonEmptyList } from './option-checks.js';
import { createRemoteKeys } from './remote-keys.js';

/** Which keys an issuer signs with. */
export interface VerificationKeyOptions {
  /** The issuer's keys (RFC 7517 §5), where they are known beforehand. */
  readonly jwks?: JSONWebKeySet;
  /** Where the issuer publishes its keys. One of `jwks` and `jwksUri` is needed. */
  readonly jwksUri?: string | URL;
  /** Signature algorithms that count, asymmetric ones only. Default: RS, PS and ES with 256, 384, 512, and EdDSA. */
  readonly algorithms?: readonly string[];
  /** For `jwksUri`. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /**
   * Allows `http:` to other hosts for `jwksUri`. Default false.
   * @deprecated for tests in closed networks only
   */
  readonly allowInsecureRequests?: boolean;
}

/** For `refuseUnknown`. */
export const verificationKeyOptions: Record<keyof VerificationKeyOptions, true> = {
  jwks: true,
  jwksUri: true,
  algorithms: true,
  fetch: true,
  allowInsecureRequests: true,
};

interface VerificationKeys {
  /** Which keys they are; part of a verifier's `context`. */
  readonly context: unknown;
  at(now: number): JWTVerifyGetKey;
}

/** @throws {TypeError} unless there is exactly one of `jwks` and `jwksUri`, and that is well-formed. */
export function readVerificationKeys({
  jwks,
  jwksUri,
  fetch,
  allowInsecureRequests,
}: VerificationKeyOptions): VerificationKeys {
  if ((jwks === undefined) === (jwksUri === undefined))
    throw new TypeError('jwks or jwksUri must be given, and not both');
  if (jwks !== undefined) {
    const local = createLocal(jwks);
    return { context: jwks, at: () => local };
  }
  const url = endpoint('jwksUri', jwksUri, flag('allowInsecureRequests', allowInsecureRequests, false));
  return { context: url, at: createRemoteKeys(url, readFetch(fetch)) };
}

function createLocal(jwks: JSONWebKeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(jwks);
  } catch {
    throw new TypeError('jwks must be a JSON Web Key Set');
  }
}

const asymmetric = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519|ES256K|ML-DSA-\d\d)$/;
const defaultAlgorithms = [
  ...['RS', 'PS', 'ES'].flatMap((kind) => [256, 384, 512].map((bits) => kind + bits)),
  'EdDSA',
  'Ed25519',
];

/** @throws {TypeError} unless each of them is asymmetric. */
export function readAlgorithms(value: readonly string[] = defaultAlgorithms): readonly string[] {
  const algorithms = nonEmptyList('algorithms', value);
  if (algorithms.every((algorithm) => asymmetric.test(algorithm))) return algorithms;
  throw new TypeError('algorithms must be asymmetric ones: a shared secret cannot tell who signed');
}

/** jose's `jwtVerify`, also for a JWT without `kid` that may fit several keys (RFC 7517 §4.5). */
export async function verifyWithAnyKey(
  jwt: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
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

/** What is told of a failed verification: jose's own errors carry the claims, so only their code and a name go on. */
export function refusal(code: IntrospectionErrorCode, subject: string, error: unknown): IntrospectionError {
  // the keys were not to be had
  if (error instanceof IntrospectionError) return error;
  const { code: reason = 'ERR_KEY', claim } = error as { code?: string; claim?: string };
  const reasons = [reason, claim].filter((part) => part !== undefined && part !== '').join(', ');
  return new IntrospectionError(code, `${subject} did not verify (${reasons})`);
}
