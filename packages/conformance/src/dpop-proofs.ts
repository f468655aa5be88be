import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { JWK } from 'jose';
import { canaries } from './canaries.js';
import type { Clock } from './clock.js';

/** What the clients of every case believe to be the API's origin; no socket listens there. */
export const publicOrigin = 'https://api.example';

type Members = Readonly<Record<string, unknown>>;

/** How the claims are written down, where JSON has no way to say it. */
type Spell = (json: string) => string | Uint8Array;

/** A client with a key of its own, that proves to have it (RFC 9449 §4). */
export interface Prover {
  readonly jwk: JWK;
  readonly privateJwk: JWK;
  /** The thumbprint of the key, for the `cnf` of tokens. */
  readonly jkt: string;
  /**
   * A proof, never the same twice. By default it is a good one for `GET /` with the canary token; `undefined` leaves a
   * member out.
   */
  prove(claims?: Members, header?: Members, spell?: Spell): string;
}

export function createProver(clock: Clock): Prover {
  // as PEM, and read anew: Node 20 may wait for itself for ever where it exports the very keys that it has just generated
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const privateKey = createPrivateKey(pair.privateKey);
  const jwk = createPublicKey(pair.publicKey).export({ format: 'jwk' }) as JWK;
  const { crv, kty, x, y } = jwk;
  return {
    jwk,
    privateJwk: privateKey.export({ format: 'jwk' }) as JWK,
    jkt: digest(JSON.stringify({ crv, kty, x, y })),
    prove(claims, header, spell = (json) => json) {
      const good = { jti: crypto.randomUUID(), htm: 'GET', htu: `${publicOrigin}/`, iat: clock() };
      const text = [
        JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }),
        spell(JSON.stringify({ ...good, ath: digest(canaries.token), ...claims })),
      ]
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.');
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
  };
}

/** SHA-256, base64url: the form of `ath` and `jkt`. */
export const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
