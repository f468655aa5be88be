import { importJWK, type JWK } from 'jose';
import { sha256 } from './cache-key.js';
import { BearerError } from './errors.js';
import { createRecentMap } from './recent-map.js';

/** The members that make a public key, in the order of RFC 7638 §3. Symmetric keys prove nothing. */
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
  AKP: ['alg', 'kty', 'pub'],
};
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

export type ProofKey = Awaited<ReturnType<typeof importJWK>>;

/** @throws {BearerError} ERR_DPOP_PROOF for what is no public key, ERR_DPOP_KEY for another than the token's. */
export type FindProofKey = (jwk: unknown, algorithm: string, jkt: string) => Promise<ProofKey>;

/**
 * Makes the function from the `jwk` of a proof to its key, which is that of the thumbprint (RFC 9449 §4.3, checks 7 and
 * 12). No other key is ever used, so what an odd one would cost is nobody's to choose. Keys used lately are at hand.
 */
export function createFindProofKey(): FindProofKey {
  const recent = createRecentMap<ProofKey>();
  return async (jwk, algorithm, jkt) => {
    const text = JSON.stringify(readPublicMembers(jwk));
    const known = `${algorithm} ${jkt} ${text}`;
    const found = recent.get(known);
    if (found !== undefined) return found;
    if ((await sha256(text)) !== jkt) throw new BearerError('ERR_DPOP_KEY');
    return recent.set(known, await importKey(JSON.parse(text), algorithm));
  };
}

function readPublicMembers(jwk: unknown): Record<string, string> {
  if (typeof jwk !== 'object' || jwk === null) throw noKey();
  const given = jwk as Record<string, unknown>;
  const names = Object.hasOwn(publicMembers, String(given.kty)) && publicMembers[String(given.kty)];
  if (!names || privateMembers.some((name) => name in given)) throw noKey();
  const members: Record<string, string> = {};
  for (const name of names) {
    const value = given[name];
    if (typeof value !== 'string' || value === '') throw noKey();
    members[name] = value;
  }
  return members;
}

async function importKey(jwk: JWK, algorithm: string): Promise<ProofKey> {
  try {
    return await importJWK(jwk, algorithm);
  } catch {
    // the import's own error may quote the key
    throw noKey();
  }
}

const noKey = () => new BearerError('ERR_DPOP_PROOF', { fault: 'jwk' });
