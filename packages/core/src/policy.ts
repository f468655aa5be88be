import type { Claims } from './cache.js';
import { BearerError } from './errors.js';

/** How far ahead `nbf` may lie, so that a server whose clock runs a little fast does not get its new tokens refused. */
export const nbfLeewaySeconds = 5;

export interface Policy {
  readonly issuer: string | undefined;
  /** The token must be meant for one of these; any will do when absent. */
  readonly audience: readonly string[] | undefined;
}

/**
 * The checks on what a token may be used for, on every request, hit or miss (RFC 7662 §4, RFC 9068 §4).
 * @throws {BearerError} ERR_EXPIRED, ERR_NOT_YET_VALID, ERR_WRONG_ISSUER or ERR_WRONG_AUDIENCE.
 */
export function assertUsable(claims: Claims, policy: Policy, now: number): void {
  if (claims.exp !== undefined && claims.exp <= now) throw new BearerError('ERR_EXPIRED');
  if (claims.nbf !== undefined && claims.nbf > now + nbfLeewaySeconds)
    throw new BearerError('ERR_NOT_YET_VALID');
  if (policy.issuer !== undefined && claims.iss !== undefined && claims.iss !== policy.issuer) {
    throw new BearerError('ERR_WRONG_ISSUER');
  }
  if (policy.audience !== undefined && !isMeantFor(claims.aud, policy.audience)) {
    throw new BearerError('ERR_WRONG_AUDIENCE');
  }
}

function isMeantFor(aud: Claims['aud'], audience: readonly string[]): boolean {
  if (aud === undefined) return false;
  return typeof aud === 'string' ? audience.includes(aud) : aud.some((member) => audience.includes(member));
}

/** @throws {BearerError} ERR_EXPIRED for a token that was good when it was found, and has ended since. */
export function assertUnexpired({ exp }: Claims, now: () => number): void {
  if (exp !== undefined && exp <= now()) throw new BearerError('ERR_EXPIRED');
}

/** @throws {BearerError} ERR_INSUFFICIENT_SCOPE unless the token was granted every one of the scopes (RFC 6750 §3.1). */
export function assertScopes(claims: Claims, requiredScopes: readonly string[]): void {
  if (requiredScopes.length === 0) return;
  const granted = claims.scope?.split(' ') ?? [];
  if (!requiredScopes.every((scope) => granted.includes(scope)))
    throw new BearerError('ERR_INSUFFICIENT_SCOPE');
}
