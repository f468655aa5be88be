import type { PresentedToken } from './bearer.js';
import type { Claims } from './cache.js';
import { assertCertificate, type CertificateRequest, type CertificateSource } from './client-certificate.js';
import type { DpopOutcome, DpopVerifier } from './dpop-proof.js';
import { BearerError } from './errors.js';

export interface SenderOptions {
  readonly dpop: DpopVerifier | undefined;
  readonly clientCertificate: CertificateSource;
  readonly now: () => number;
}

/** The parts of a request that prove who sent it. */
export interface SenderRequest extends CertificateRequest {
  readonly method: string;
  readonly url: string;
  /** Every DPoP field of the request (RFC 9449 §4.1). */
  readonly dpop?: string | readonly string[] | undefined;
}

/** What the check of a request found out, beyond that it may pass. */
export type SenderOutcome = DpopOutcome | undefined;

/**
 * A token with a `cnf` (RFC 7800) belongs to whoever holds a key: a DPoP key (`jkt`, RFC 9449 §6), the key of a client
 * certificate (`x5t#S256`, RFC 8705 §3.1), or both. Any other confirmation is one that we cannot check, and refused.
 * Nothing is waited for where a token has none.
 * @throws {BearerError} where a proof is missing or wrong; thrown or rejected.
 */
export function assertSender(
  { cnf }: Claims,
  presented: PresentedToken,
  request: SenderRequest,
  options: SenderOptions,
): SenderOutcome | Promise<SenderOutcome> {
  const mustProve = options.dpop?.required === true;
  if (cnf === undefined && presented.scheme === 'Bearer' && !mustProve) return undefined;
  const { jkt, 'x5t#S256': thumbprint, ...others } = cnf ?? {};
  if (Object.keys(others).length > 0 || !isProvable(jkt) || !isProvable(thumbprint))
    throw new BearerError('ERR_SENDER_CONSTRAINED');
  // a bound token is no bearer token (RFC 9449 §7.2), and an unbound one is nobody's to prove (§7.1)
  if (jkt === undefined && (mustProve || presented.scheme === 'DPoP')) throw new BearerError('ERR_DPOP_KEY');
  if (jkt !== undefined && presented.scheme !== 'DPoP')
    throw new BearerError(options.dpop === undefined ? 'ERR_SENDER_CONSTRAINED' : 'ERR_DPOP_MISSING');
  if (jkt === undefined && thumbprint === undefined) return undefined;
  return prove(jkt, thumbprint, presented, request, options);
}

const isProvable = (member: unknown) => member === undefined || (typeof member === 'string' && member !== '');

async function prove(
  jkt: unknown,
  thumbprint: unknown,
  { token }: PresentedToken,
  request: SenderRequest,
  { dpop, clientCertificate, now }: SenderOptions,
): Promise<SenderOutcome> {
  if (thumbprint !== undefined) assertCertificate(thumbprint, await clientCertificate.thumbprint(request));
  if (typeof jkt !== 'string') return undefined;
  if (dpop === undefined) throw new BearerError('ERR_SENDER_CONSTRAINED');
  const { method, url } = request;
  // last, since it spends the proof
  return dpop.verify({ method, url, dpop: request.dpop, token, jkt }, now());
}
