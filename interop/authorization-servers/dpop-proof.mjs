// DPoP proofs (RFC 9449) of a key of their own.
import { createHash, randomUUID, sign } from 'node:crypto';
import { generateKeyPair } from '../key-pair.mjs';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A holder's key: `prove({ method, url, token })` makes a new proof each time. */
export const createDpopKey = () => {
  const { privateKey, publicKey } = generateKeyPair('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const prove = ({ method, url, token, iat = Math.floor(Date.now() / 1000) }) => {
    const claims = { jti: randomUUID(), htm: method, htu: url, iat };
    if (token !== undefined) claims.ath = createHash('sha256').update(token).digest('base64url');
    const signed = `${part({ typ: 'dpop+jwt', alg: 'ES256', jwk })}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };
  return { prove };
};
