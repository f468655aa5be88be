import { CompactSign, exportJWK, exportSPKI, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose';
import { canaries } from './canaries.js';
import { startAt } from './clock.js';

/** Claims, or the payload's text or bytes as they are, for what `JSON.stringify` cannot say. */
export type Payload = Readonly<Record<string, unknown>> | string | Uint8Array<ArrayBuffer>;

/** The claims of a token that passes everything; lives for an hour. */
export const goodClaims = {
  sub: canaries.subject,
  iss: 'https://issuer.example',
  aud: 'https://api.example',
  client_id: 'app',
  scope: 'read write',
  iat: startAt,
  exp: startAt + 3600,
} as const;

/** A key that signs JWTs, with the set that an issuer publishes for it. */
export interface JwtSigner {
  readonly jwk: JWK;
  readonly jwks: JSONWebKeySet;
  readonly publicKey: CryptoKey;
  sign(payload: Payload, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function createJwtSigner(kid: string): Promise<JwtSigner> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  return {
    jwk,
    jwks: { keys: [jwk] },
    publicKey,
    sign: (payload, header) =>
      new CompactSign(encode(payload))
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
        .sign(privateKey),
  };
}

let sample: Promise<JwtSigner> | undefined;

/** The signer of all samples; its key is made once. */
export function sampleSigner(): Promise<JwtSigner> {
  sample ??= createJwtSigner('sample');
  return sample;
}

/** The claims as JSON, with one more that is no UTF-8. */
export function notUtf8(payload: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(JSON.stringify({ ...payload, odd: '\xff' }), 'latin1'));
}

export async function signJwt(payload: Payload, header?: Readonly<Record<string, unknown>>): Promise<string> {
  return (await sampleSigner()).sign(payload, header);
}

/** A JWT with any header and no signature, or a made-up one. */
export function unsignedJwt(
  header: Readonly<Record<string, unknown>>,
  payload: Payload,
  signature = '',
): string {
  return `${base64url(header)}.${base64url(payload)}.${signature}`;
}

/** The attack on verifiers that take a public key for a shared secret: HS256 keyed with the issuer's public key. */
export async function signJwtWithPublicKey(payload: Payload): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI((await sampleSigner()).publicKey));
  return new CompactSign(encode(payload))
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'sample' })
    .sign(secret);
}

const encode = (payload: Payload) =>
  payload instanceof Uint8Array
    ? payload
    : new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));

const base64url = (payload: Payload) => Buffer.from(encode(payload)).toString('base64url');
