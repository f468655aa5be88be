import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { importPublishedKey, importSigningKey, type PrivateKey, WrongKey } from './signing-key.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const keys: Readonly<Record<string, KeyObject>> = {
  RS256: rsa,
  ES256: ec('P-256'),
  ES384: ec('P-384'),
  ES512: ec('P-521'),
  EdDSA: generateKeyPairSync('ed25519').privateKey,
};
// of secp256k1, which not every runtime can make
const otherCurve = {
  kty: 'EC',
  x: '90RBa0xwLySytVa9-ROYuGOis6EnMHtysvJ38qE4wHs',
  y: 'b7uLnnTuEoLzvYsMPiLC6sf3kmZ1T2_lhhfva1zh8hg',
  crv: 'secp256k1',
  d: 'xdbFP_FTHOOJUeo8iWTbm1Y6sisb7rIfwo7mi8i45MY',
};
const otherCurveInPem = [
  '-----BEGIN PRIVATE KEY-----',
  'MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgxdbFP/FTHOOJUeo8iWTb',
  'm1Y6sisb7rIfwo7mi8i45MahRANCAAT3REFrTHAvJLK1Vr35E5i4Y6KzoScwe3Ky',
  '8nfyoTjAe2+7i5507hKC872LDD4iwurH95JmdU9v5YYX72tc4fIY',
  '-----END PRIVATE KEY-----',
  '',
].join('\n');
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const jwk = (key: KeyObject) => key.export({ format: 'jwk' }) as JWK;

const cryptoKey = (name: string, more: object, extractable = true) =>
  webcrypto.subtle
    .generateKey({ name, ...more } as webcrypto.EcKeyGenParams, extractable, ['sign', 'verify'])
    .then((pair) => (pair as webcrypto.CryptoKeyPair).privateKey as unknown as PrivateKey);
const rsaParameters = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };

type Form = [title: string, alg: string, make: () => unknown, algorithm?: string];

const forms: Form[] = [
  ...Object.entries(keys).flatMap(([alg, key]): Form[] => [
    [`PEM of a key for ${alg}`, alg, () => pem(key)],
    [`a JWK for ${alg}`, alg, () => jwk(key)],
    [`a KeyObject for ${alg}`, alg, () => key],
  ]),
  ['a CryptoKey of P-384', 'ES384', () => cryptoKey('ECDSA', { namedCurve: 'P-384' })],
  ['a CryptoKey of Ed25519', 'EdDSA', () => cryptoKey('Ed25519', {})],
  [
    'a CryptoKey of RSASSA with SHA-512',
    'RS512',
    () => cryptoKey('RSASSA-PKCS1-v1_5', { ...rsaParameters, hash: 'SHA-512' }),
  ],
  [
    'a CryptoKey of RSA-PSS with SHA-384',
    'PS384',
    () => cryptoKey('RSA-PSS', { ...rsaParameters, hash: 'SHA-384' }),
  ],
  ['a JWK that names its algorithm', 'PS256', () => ({ ...jwk(rsa), alg: 'PS256' })],
  ['PEM for an algorithm that is asked for', 'PS512', () => pem(rsa), 'PS512'],
  ['a JWK for an algorithm that is asked for', 'PS512', () => ({ ...jwk(rsa), alg: 'RS256' }), 'PS512'],
];

describe.each<Form>(forms)('%s', (_title, alg, make, algorithm) => {
  const options = algorithm === undefined ? {} : { algorithm };

  it(`signs with ${alg}`, async () => {
    const { key, header } = await importSigningKey((await make()) as PrivateKey, options);
    expect(header).toEqual({ alg });
    await new CompactSign(new Uint8Array(1)).setProtectedHeader(header).sign(key);
  });

  it('is published without its private half, under its thumbprint', async () => {
    const published = await importPublishedKey('keys', (await make()) as PrivateKey, algorithm);
    const { kid = '', ...open } = published.jwk;
    const { kty } = open;
    const members = kty === 'RSA' ? ['e', 'n'] : kty === 'EC' ? ['crv', 'x', 'y'] : ['crv', 'x'];
    expect(Object.keys(open).sort()).toEqual(['alg', 'kty', 'use', ...members].sort());
    expect(open).toMatchObject({ alg, use: 'sig' });
    expect(kid).toBe(await calculateJwkThumbprint(open));
    expect(published.header).toEqual({ alg, kid });
    const jws = await new CompactSign(new Uint8Array(1))
      .setProtectedHeader(published.header)
      .sign(published.key);
    await compactVerify(jws, await importJWK(published.jwk));
  });
});

it('keeps the name that a JWK has for itself', async () => {
  const named = { ...jwk(keys.ES256 as KeyObject), kid: 'mine' };
  expect((await importPublishedKey('keys', named, undefined)).jwk.kid).toBe('mine');
  expect((await importSigningKey(named, {})).header.kid).toBe('mine');
  expect((await importSigningKey(named, { keyId: 'told' })).header.kid).toBe('told');
});

const { d: _, ...publicJwk } = jwk(keys.ES256 as KeyObject);
const secret = 'a secret of no less than thirty-two bytes';

it.each<[string, () => unknown, algorithm?: string]>([
  ['a shared secret', () => secret],
  ['a shared secret in bytes', () => new TextEncoder().encode(secret)],
  ['a symmetric JWK', () => ({ kty: 'oct', k: 'c2VjcmV0' })],
  ['a symmetric JWK that passes for another', () => ({ kty: 'oct', k: 'c2VjcmV0', d: 'x', alg: 'ES256' })],
  ['a symmetric JWK with a d', () => ({ kty: 'oct', k: 'c2VjcmV0', d: 'x' })],
  ['a public JWK', () => publicJwk],
  ['a public KeyObject', () => generateKeyPairSync('ed25519').publicKey],
  ['a public CryptoKey', async () => importJWK({ ...publicJwk, ext: true }, 'ES256')],
  ['a CryptoKey that cannot be exported', () => cryptoKey('ECDSA', { namedCurve: 'P-256' }, false)],
  ['PKCS #1', () => rsa.export({ type: 'pkcs1', format: 'pem' })],
  [
    'a public key in PEM',
    () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }),
  ],
  ['PEM with nothing in it', () => '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----'],
  ['RSA of 1024 bits in PEM', () => pem(weak)],
  ['RSA of 1024 bits as a JWK', () => jwk(weak)],
  ['RSA of 1024 bits as a KeyObject', () => weak],
  ['another curve', () => otherCurve],
  ['another curve in PEM', () => otherCurveInPem],
  ['a key for key agreement', () => jwk(generateKeyPairSync('x25519').privateKey)],
  ['a key for encryption', () => ({ ...jwk(rsa), use: 'enc' })],
  ['a key whose algorithm encrypts', () => ({ ...jwk(rsa), alg: 'RSA-OAEP' })],
  ['PEM of another kind than the algorithm asked for', () => pem(rsa), 'ES256'],
  ['null', () => null],
  ['nothing', () => undefined],
  ['a number', () => 1],
])('takes no %s to publish, and says so without a part of it', async (_title, make, algorithm) => {
  const outcome = importPublishedKey('keys', (await make()) as PrivateKey, algorithm);
  const error = await outcome.catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(WrongKey);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).not.toMatch(/thirty|c2VjcmV0|BEGIN (?!PRIVATE KEY-----\))/);
});

it.each<[kind: string, member: 'x' | 'n', make: () => JWK]>([
  ['EC', 'x', () => jwk(ec('P-256'))],
  ['Ed25519', 'x', () => jwk(generateKeyPairSync('ed25519').privateKey)],
  ['RSA', 'n', () => jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)],
])('takes no %s key whose public half belongs to another one', async (_kind, member, make) => {
  const mixed = { ...make(), [member]: make()[member] } as JWK;
  await expect(importPublishedKey('keys', mixed, undefined)).rejects.toThrow();
});
