import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** A client with a key of its own, that signs proofs (RFC 9449 §4.2). */
export interface DpopClient {
  readonly jwk: JWK;
  readonly privateJwk: JWK;
  readonly jkt: string;
  /** Everything is given; `undefined` leaves a member out, and a string is the segment's text as it is. */
  sign(claims: object | string, header?: object | string): Promise<string>;
}

export async function createDpopClient(algorithm = 'ES256'): Promise<DpopClient> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const privateJwk = await exportJWK(privateKey);
  return {
    jwk,
    privateJwk,
    jkt: await calculateJwkThumbprint(jwk),
    async sign(claims, header = {}) {
      const whole = { typ: 'dpop+jwt', alg: algorithm, jwk, ...(typeof header === 'object' && header) };
      const head = base64url.encode(typeof header === 'string' ? header : JSON.stringify(whole));
      const body = base64url.encode(typeof claims === 'string' ? claims : JSON.stringify(claims));
      // jose signs no header that it finds odd, so the signature is made for the text
      return `${head}.${body}.${await signText(`${head}.${body}`, algorithm, privateKey)}`;
    },
  };
}

const parameters: Readonly<Record<string, AlgorithmIdentifier | RsaPssParams | EcdsaParams>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
};

async function signText(text: string, algorithm: string, key: CryptoKey): Promise<string> {
  const how = parameters[algorithm] ?? algorithm;
  return base64url.encode(new Uint8Array(await crypto.subtle.sign(how, key, new TextEncoder().encode(text))));
}
