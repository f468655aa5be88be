/** Why a request's credentials were refused. Stable, for logs and metrics; never shown to the client. */
export type BearerErrorCode =
  | 'ERR_NO_TOKEN'
  | 'ERR_MULTIPLE_TOKENS'
  | 'ERR_MALFORMED_TOKEN'
  | 'ERR_TOKEN_TOO_LONG'
  | 'ERR_INACTIVE'
  | 'ERR_EXPIRED'
  | 'ERR_NOT_YET_VALID'
  | 'ERR_WRONG_ISSUER'
  | 'ERR_WRONG_AUDIENCE'
  | 'ERR_SENDER_CONSTRAINED'
  | 'ERR_CERTIFICATE'
  | 'ERR_DPOP_MISSING'
  | 'ERR_DPOP_PROOF'
  | 'ERR_DPOP_KEY'
  | 'ERR_DPOP_NONCE'
  | 'ERR_DPOP_REPLAYED'
  | 'ERR_INSUFFICIENT_SCOPE';

/** The `error` codes of RFC 6750 §3.1. */
export type Rfc6750Error = 'invalid_request' | 'invalid_token' | 'insufficient_scope';

/** The `error` codes of RFC 9449 §7.1. */
export type Rfc9449Error = 'invalid_dpop_proof' | 'use_dpop_nonce';

/** What is wrong with a DPoP proof: the part of it that a check of RFC 9449 §4.3 looks at. */
export type DpopFault =
  | 'jwt'
  | 'typ'
  | 'alg'
  | 'crit'
  | 'jwk'
  | 'jti'
  | 'htm'
  | 'htu'
  | 'iat'
  | 'ath'
  | 'signature';

export interface BearerErrorOptions {
  /** With ERR_DPOP_PROOF: the part of the proof that is wrong. It ends the message. */
  readonly fault?: DpopFault;
  /** With ERR_DPOP_NONCE: the nonce that the client is to use. */
  readonly dpopNonce?: string;
}

const refusals = {
  ERR_NO_TOKEN: [401, undefined, 'no bearer token was sent'],
  ERR_MULTIPLE_TOKENS: [400, 'invalid_request', 'more than one token was sent'],
  ERR_MALFORMED_TOKEN: [400, 'invalid_request', 'the bearer token is malformed'],
  ERR_TOKEN_TOO_LONG: [400, 'invalid_request', 'the bearer token is too long'],
  ERR_INACTIVE: [401, 'invalid_token', 'the token is not active'],
  // the same words: a client learns no more of a token than that it is of no use
  ERR_EXPIRED: [401, 'invalid_token', 'the token is not active'],
  ERR_NOT_YET_VALID: [401, 'invalid_token', 'the token is not active'],
  ERR_WRONG_ISSUER: [401, 'invalid_token', 'the token was issued by another authorization server'],
  ERR_WRONG_AUDIENCE: [401, 'invalid_token', 'the token is meant for another audience'],
  ERR_SENDER_CONSTRAINED: [401, 'invalid_token', 'the token is sender-constrained and came without proof'],
  ERR_CERTIFICATE: [
    401,
    'invalid_token',
    'the token is bound to a client certificate that was not presented',
  ],
  ERR_DPOP_MISSING: [401, 'invalid_token', 'the token came without the DPoP proof that it needs'],
  ERR_DPOP_PROOF: [401, 'invalid_dpop_proof', 'the DPoP proof is invalid'],
  ERR_DPOP_KEY: [401, 'invalid_token', 'the token is not bound to the key of a DPoP proof'],
  ERR_DPOP_NONCE: [401, 'use_dpop_nonce', 'the DPoP proof needs the nonce of the DPoP-Nonce header'],
  ERR_DPOP_REPLAYED: [401, 'invalid_dpop_proof', 'the DPoP proof was used before'],
  ERR_INSUFFICIENT_SCOPE: [403, 'insufficient_scope', 'the token lacks a required scope'],
} as const satisfies Record<
  BearerErrorCode,
  readonly [number, Rfc6750Error | Rfc9449Error | undefined, string]
>;

/**
 * The client is to blame: its request carries no usable token (RFC 6750 §3.1). Give it to `challenge` for the
 * answer. `status` is 400, 401 or 403; `error` is absent when no credentials were sent.
 */
export class BearerError extends Error {
  override readonly name = 'BearerError';
  readonly code: BearerErrorCode;
  readonly error: Rfc6750Error | Rfc9449Error | undefined;
  readonly status: 400 | 401 | 403;
  /** For the `DPoP-Nonce` of the answer (RFC 9449 §9); `challenge` puts it there. */
  readonly dpopNonce: string | undefined;

  constructor(code: BearerErrorCode, { fault, dpopNonce }: BearerErrorOptions = {}) {
    const [status, error, message] = refusals[code];
    super(fault === undefined ? message : `${message}: ${fault}`);
    this.code = code;
    this.error = error;
    this.status = status;
    this.dpopNonce = dpopNonce;
  }
}

/** Why an introspection ended without a reliable answer. Stable, for logs and metrics. */
export type IntrospectionErrorCode =
  | 'ERR_UNREACHABLE'
  | 'ERR_INCOMPLETE'
  | 'ERR_TIMEOUT'
  | 'ERR_UNAVAILABLE'
  | 'ERR_OVERLOADED'
  | 'ERR_BREAKER_OPEN'
  | 'ERR_CLIENT_AUTH'
  | 'ERR_CREDENTIALS_REFUSED'
  | 'ERR_BAD_REQUEST'
  | 'ERR_REDIRECT'
  | 'ERR_STATUS'
  | 'ERR_MEDIA_TYPE'
  | 'ERR_TOO_LARGE'
  | 'ERR_MALFORMED'
  | 'ERR_NO_JWT'
  | 'ERR_CONTRADICTION'
  | 'ERR_JWT_REFUSED'
  | 'ERR_JWT_VERIFICATION'
  | 'ERR_KEYS_UNAVAILABLE'
  | 'ERR_RESPONSE_VERIFICATION'
  | 'ERR_REPLAY_STORE'
  | 'ERR_DPOP_SECRET'
  | 'ERR_MINTING'
  | 'ERR_DISCOVERY';

export interface IntrospectionErrorOptions {
  /** What the client is told: 502 (default), 503 or 504. */
  readonly status?: 502 | 503 | 504;
  /** Seconds for `Retry-After`; with status 503 only. */
  readonly retryAfterSeconds?: number;
  /** The authorization server's HTTP status, where it answered. */
  readonly serverStatus?: number;
}

/**
 * Nothing reliable is known about the token: the authorization server, or the way to it, is to blame, never the
 * client. `status` is 502, 503 or 504; `headers` are those of the answer. It says nothing of the token, and keeps no
 * `cause`: what lies below may quote the request or the answer.
 */
export class IntrospectionError extends Error {
  override readonly name = 'IntrospectionError';
  readonly code: IntrospectionErrorCode;
  readonly status: 502 | 503 | 504;
  readonly retryAfterSeconds: number | undefined;
  readonly serverStatus: number | undefined;

  constructor(code: IntrospectionErrorCode, message: string, options: IntrospectionErrorOptions = {}) {
    super(message);
    this.code = code;
    this.status = options.status ?? 502;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.serverStatus = options.serverStatus;
  }

  get headers(): Record<string, string> {
    return this.retryAfterSeconds === undefined
      ? { 'Cache-Control': 'no-store' }
      : { 'Cache-Control': 'no-store', 'Retry-After': String(this.retryAfterSeconds) };
  }
}

/** Our own bounds are reached; a client may come back in a second. */
export const overloaded = () =>
  new IntrospectionError('ERR_OVERLOADED', 'too many introspections are under way', {
    status: 503,
    retryAfterSeconds: 1,
  });
