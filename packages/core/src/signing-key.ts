import {
  base64url,
  CompactSign,
  type CryptoKey,
  calculateJwkThumbprint,
  compactVerify,
  exportJWK,
  importJWK,
  importPKCS8,
  type JWK,
  type KeyObject,
} from 'jose';

/** A private key: PKCS #8 in PEM, a JWK (RFC 7517), or one that WebCrypto or Node has imported. */
export type PrivateKey = string | JWK | CryptoKey | KeyObject;

/** A private key with what a JWS header says of it. */
export interface SigningKey {
  readonly key: Uint8Array | CryptoKey | KeyObject;
  readonly header: { readonly alg: string; readonly kid?: string };
}

/** A signing key whose public half others are to know. */
export interface PublishedKey extends SigningKey {
  readonly header: { readonly alg: string; readonly kid: string };
  /** Public members only, and `kid`, `alg`, `use`. */
  readonly jwk: JWK;
}

/** A key that cannot be used. Its message holds no part of the key. */
export class WrongKey extends TypeError {}

/** What a key or its curve calls itself, for WebCrypto, JWK or Node → what it signs with unless told otherwise. */
const algorithms: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  prime256v1: 'ES256',
  'P-384': 'ES384',
  secp384r1: 'ES384',
  'P-521': 'ES512',
  secp521r1: 'ES512',
  Ed25519: 'EdDSA',
  ed25519: 'EdDSA',
};

/** Reads a key that is to sign, as it is given. */
export async function importSigningKey(
  from: PrivateKey,
  { algorithm, keyId }: { readonly algorithm?: string; readonly keyId?: string },
): Promise<SigningKey> {
  const header = (alg: string, kid = keyId) => (kid === undefined ? { alg } : { alg, kid });
  if (typeof from !== 'string' && !isJwk(from))
    return { key: from, header: header(algorithm ?? ownAlgorithm(from)) };
  const jwk = typeof from === 'string' ? await readPem(from, algorithm) : from;
  const alg = algorithm ?? jwk.alg ?? jwkAlgorithm(jwk);
  return { key: await importJWK(jwk, alg), header: header(alg, keyId ?? jwk.kid) };
}

/** @throws {WrongKey} for what is no private key at all; a PEM is judged when it is read. */
export function assertPrivate(name: string, key: unknown): void {
  if (typeof key === 'string') {
    if (key.startsWith('-----BEGIN PRIVATE KEY-----')) return;
  } else if (typeof key === 'object' && key !== null) {
    const { kty, d, type } = key as { kty?: unknown; d?: unknown; type?: unknown };
    if (kty === undefined ? type === 'private' : kty !== 'oct' && typeof d === 'string') return;
  }
  throw new WrongKey(`${name} must be a private key: PKCS #8 in PEM, a JWK, a CryptoKey or a KeyObject`);
}

/** @throws {WrongKey} for what is no private key of a kind that can be published; a PEM is judged when it is read. */
export function assertPublishable(name: string, key: unknown, algorithm: string | undefined): void {
  const wrong = (complaint: string) => new WrongKey(`${name} ${complaint}`);
  const kinds = 'must be private keys: PKCS #8 in PEM, a JWK, a CryptoKey or a KeyObject';
  if (typeof key === 'string') {
    if (!key.startsWith('-----BEGIN PRIVATE KEY-----')) throw wrong(kinds);
  } else if (typeof key !== 'object' || key === null) {
    throw wrong(kinds);
  } else if (isJwk(key as JWK)) {
    assertPrivateJwk(wrong, key as JWK, algorithm);
  } else {
    const { type, extractable } = key as { type?: unknown; extractable?: unknown };
    if (type !== 'private') throw wrong(kinds);
    // only its private half is there, from which the public one has to be read
    if (extractable === false) throw wrong('must be extractable, so that their public half can be published');
  }
}

/**
 * Reads a key that is to sign, and its public half. What it signs is verified once with what is published.
 * @throws {WrongKey}, or in the words of the runtime.
 */
export async function importPublishedKey(
  name: string,
  from: PrivateKey,
  algorithm: string | undefined,
): Promise<PublishedKey> {
  assertPublishable(name, from, algorithm);
  const given = await readJwk(from, algorithm);
  assertPublishable(name, given, algorithm);
  const alg = algorithm ?? given.alg ?? jwkAlgorithm(given);
  const open = publicMembers(given);
  const kid = given.kid || (await calculateJwkThumbprint(open));
  const jwk = { ...open, kid, alg, use: 'sig' };
  const key = await importJWK(given, alg);
  const probe = await new CompactSign(new Uint8Array(1)).setProtectedHeader({ alg }).sign(key);
  await compactVerify(probe, await importJWK(jwk, alg));
  return { key, header: { alg, kid }, jwk };
}

const isJwk = (key: Exclude<PrivateKey, string>): key is JWK => 'kty' in key;

const signs = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/;

/** Whether it is the name of an algorithm that signs with a private key (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
export const isAsymmetric = (algorithm: unknown) => typeof algorithm === 'string' && signs.test(algorithm);

function assertPrivateJwk(
  wrong: (complaint: string) => WrongKey,
  jwk: JWK,
  algorithm: string | undefined,
): void {
  const { kty, d, n, use, alg } = jwk;
  if ((kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') || typeof d !== 'string')
    throw wrong('must be private keys of kty RSA, EC or OKP; a shared secret cannot be published');
  if (kty === 'RSA' && !(typeof n === 'string' && base64url.decode(n).length >= 256))
    throw wrong('must have 2048 bits or more where they are RSA');
  if (use !== undefined && use !== 'sig') throw wrong('must be for signatures, and one is not by its use');
  if (!isAsymmetric(algorithm ?? alg ?? jwkAlgorithm(jwk)))
    throw wrong('must be on the curves P-256, P-384, P-521 or Ed25519, and their alg one that signs');
}

function jwkAlgorithm({ kty, crv = '' }: JWK): string {
  return kty === 'RSA' ? 'RS256' : (algorithms[crv] ?? '');
}

/** The names that RFC 7518 §6 and RFC 8037 §2 have for what everybody may know. */
const publicMembers = ({ kty, crv, x, y, n, e }: JWK): JWK =>
  kty === 'RSA' ? pick({ kty, n, e }) : kty === 'EC' ? pick({ kty, crv, x, y }) : pick({ kty, crv, x });

const pick = (members: { readonly [name: string]: string | undefined }): JWK =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK;

async function readJwk(from: PrivateKey, algorithm: string | undefined): Promise<JWK> {
  if (typeof from === 'string') return readPem(from, algorithm);
  return isJwk(from) ? { ...from } : { ...(await exportJWK(from)), alg: ownAlgorithm(from) };
}

/** A PEM says what it holds where only a parser sees it; the first algorithm that takes it is its own. */
async function readPem(pem: string, algorithm: string | undefined): Promise<JWK> {
  const candidates = algorithm === undefined ? ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] : [algorithm];
  for (const alg of candidates) {
    const key = await importPKCS8(pem, alg, { extractable: true }).catch(() => undefined);
    if (key !== undefined) return { ...(await exportJWK(key)), alg };
  }
  throw new WrongKey(
    'a key in PEM must be PKCS #8 of RSA, P-256, P-384, P-521 or Ed25519, and fit algorithm',
  );
}

interface ImportedKey {
  readonly algorithm?: {
    readonly name: string;
    readonly namedCurve?: string;
    readonly hash?: { readonly name: string };
  };
  readonly asymmetricKeyType?: string;
  readonly asymmetricKeyDetails?: { readonly namedCurve?: string };
}

function ownAlgorithm(key: CryptoKey | KeyObject): string {
  const { algorithm, asymmetricKeyType = '', asymmetricKeyDetails } = key as ImportedKey;
  const { name = '', namedCurve, hash } = algorithm ?? {};
  if (hash !== undefined) return `${name === 'RSA-PSS' ? 'PS' : 'RS'}${hash.name.replace('SHA-', '')}`;
  const called = namedCurve ?? asymmetricKeyDetails?.namedCurve ?? (name || asymmetricKeyType);
  return algorithms[called] ?? 'RS256';
}
