import type { Claims } from './cache.js';
import { BearerError } from './errors.js';

/**
 * A token with a `cnf` (RFC 7800) belongs to whoever holds a key. No proof is read yet, so such a token is refused
 * rather than taken as a bearer token.
 * @throws {BearerError} ERR_SENDER_CONSTRAINED
 */
export function assertSender({ cnf }: Claims): void {
  if (cnf !== undefined && Object.keys(cnf).length > 0) throw new BearerError('ERR_SENDER_CONSTRAINED');
}
