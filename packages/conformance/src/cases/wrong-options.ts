import {
  dpopNonces,
  dpopVerifier,
  jwtMinter,
  jwtVerifier,
  memoryReplayStore,
  responseVerifier,
} from '@phantom-token/core';
import { type CertificateFormat, proxyCertificate } from '@phantom-token/core/node';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { AdapterCase } from '../adapter.js';
import { assertEqual } from '../assertions.js';

/** Keys of the kinds that somebody may give for another. */
async function generateKeys() {
  const [{ publicKey, privateKey }, { privateKey: sealed }] = await Promise.all([
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('ES256'),
  ]);
  return { own: await exportJWK(privateKey), open: await exportJWK(publicKey), publicKey, sealed };
}

type Keys = Awaited<ReturnType<typeof generateKeys>>;

const issuer = 'https://issuer.example';
const origin = 'https://api.example';
const jwks = { keys: [] };
const jwksUri = `${issuer}/jwks`;
const format: CertificateFormat = 'client-cert';
const trustedProxies = ['127.0.0.1'];

const minting = (jwk: JWK) => jwtMinter({ issuer, keys: jwk });
const opening = (jwk: JWK) => responseVerifier({ issuer, jwks, decryptionKey: jwk });

/** What is made, wrongly; the option that is to be named. */
const wrong: readonly (readonly [what: string, name: string, make: (keys: Keys) => unknown])[] = [
  ['a verifier without keys', 'jwks or jwksUri', () => jwtVerifier({ issuer })],
  ['a verifier with two sources of keys', 'jwksUri', () => jwtVerifier({ issuer, jwks, jwksUri })],
  [
    'a verifier that a shared secret would do for',
    'algorithms',
    () => jwtVerifier({ issuer, jwks, algorithms: ['HS256'] }),
  ],
  [
    'a verifier of answers that a shared secret would do for',
    'algorithms',
    () => responseVerifier({ issuer, jwks, algorithms: ['ES256', 'HS256'] }),
  ],
  [
    'a verifier with keys over bare http:',
    'jwksUri',
    () => jwtVerifier({ issuer, jwksUri: 'http://issuer.example/jwks' }),
  ],
  [
    'a list of no keys to decrypt with',
    'decryptionKey',
    () => responseVerifier({ issuer, jwks, decryptionKey: [] }),
  ],
  ['a public key to decrypt with', 'decryptionKey', ({ open }) => opening(open)],
  [
    'a public key object to decrypt with',
    'decryptionKey',
    ({ publicKey }) => responseVerifier({ issuer, jwks, decryptionKey: publicKey }),
  ],
  [
    'a minter whose issuer has a query',
    'issuer',
    ({ own }) => jwtMinter({ issuer: `${issuer}?a=b`, keys: own }),
  ],
  ['a minter without keys', 'keys', () => jwtMinter({ issuer, keys: [] })],
  ['a minter with a public key', 'keys', ({ open }) => minting(open)],
  ['a minter with a public key object', 'keys', ({ publicKey }) => jwtMinter({ issuer, keys: publicKey })],
  [
    'a minter with a key that cannot be published',
    'keys',
    ({ sealed }) => jwtMinter({ issuer, keys: sealed }),
  ],
  [
    'a minter with a shared secret',
    'keys',
    () => minting({ kty: 'oct', k: 'AAAA', d: 'AAAA', alg: 'ES256' }),
  ],
  ['a minter with a key to encrypt with', 'keys', ({ own }) => minting({ ...own, use: 'enc' })],
  [
    'a minter with a short key',
    'keys',
    () => minting({ kty: 'RSA', n: 'A'.repeat(171), e: 'AQAB', d: 'AA' }),
  ],
  [
    'a minter that a shared secret would do for',
    'algorithm',
    ({ own }) => jwtMinter({ issuer, keys: own, algorithm: 'HS256' }),
  ],
  [
    'proofs that a shared secret would do for',
    'algorithms',
    () => dpopVerifier({ origin, algorithms: ['HS256'] }),
  ],
  ['an origin with a path', 'origin', () => dpopVerifier({ origin: `${origin}/api` })],
  ['no origin', 'origin', () => dpopVerifier({ origin: [] })],
  ['a store that adds nothing', 'replayStore', () => dpopVerifier({ origin, replayStore: {} as never })],
  ['a short secret for nonces', 'secret', () => dpopNonces({ secret: 'x'.repeat(31) })],
  ['room for no proof', 'maxEntries', () => memoryReplayStore({ maxEntries: 0 })],
  [
    'certificates in a format that nobody writes',
    'format',
    () => proxyCertificate({ format: 'pem' as never, trustedProxies }),
  ],
  [
    'certificates from proxies that are no address',
    'trustedProxies',
    () => proxyCertificate({ format, trustedProxies: ['proxy'] }),
  ],
  [
    'certificates in a header that is none',
    'header',
    () => proxyCertificate({ format, header: 'a b', trustedProxies }),
  ],
];

/** What cannot be meant is refused when it is made, not when a request comes. */
export const wrongOptionCases: readonly AdapterCase[] = wrong.map(([what, name, make]) => ({
  title: `${what}: a TypeError that names ${name}`,
  async run() {
    const keys = await generateKeys();
    let error: unknown;
    try {
      make(keys);
    } catch (reason) {
      error = reason;
    }
    const isNamed = error instanceof TypeError && error.message.includes(name);
    assertEqual(isNamed, true, 'a TypeError naming the option');
  },
}));
