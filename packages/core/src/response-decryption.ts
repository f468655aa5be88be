import {
  type CompactDecryptGetKey,
  type CryptoKey,
  compactDecrypt,
  decodeProtectedHeader,
  errors,
  importPKCS8,
  type JWK,
  type KeyObject,
} from 'jose';
import { IntrospectionError } from './errors.js';
import { holdSecret, type Secret } from './secret.js';
import type { PrivateKey } from './signing-key.js';

/** Asymmetric ones that stand unbroken (RFC 7518 §4): no RSA1_5, nothing that rests on a shared secret or a password. */
const allowed = {
  keyManagementAlgorithms: ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'],
  contentEncryptionAlgorithms: ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'],
};

interface DecryptionKey {
  readonly kid: string | undefined;
  /** The key in the form that the algorithm needs. */
  prepare(algorithm: string): JWK | CryptoKey | KeyObject | Promise<CryptoKey>;
}

/**
 * Opens encrypted answers (RFC 7516, RFC 9701 §6) with whichever of our keys fits. A function that gives the keys is
 * asked again where none does.
 * @throws {TypeError} unless each is a private key; what a function gives is judged when it is asked.
 */
export function createDecryption(
  secret: Secret<PrivateKey | readonly PrivateKey[]>,
): (jwe: string) => Promise<string> {
  const held = holdSecret(secret, readKeys);
  const currentKeys = async () => {
    try {
      return await held.current();
    } catch {
      throw failed('cannot be opened, for decryptionKey gave no private key');
    }
  };
  return async (jwe) => {
    const kid = readHeader(jwe);
    const open = async () => openWithAny(jwe, kid, await currentKeys());
    const usedAt = performance.now();
    const text = (await open()) ?? ((await held.renew(usedAt)) ? await open() : undefined);
    if (text === undefined) throw failed('fits no decryptionKey; give the key that the server encrypts to');
    return text;
  };
}

const failed = (why: string) =>
  new IntrospectionError('ERR_RESPONSE_VERIFICATION', `the encrypted answer ${why}`);

/** @returns the name of the key that it is for, where it has one. */
function readHeader(jwe: string): string | undefined {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(jwe);
  } catch {
    throw failed('has a malformed header');
  }
  // a few bytes could unfold into very many
  if (header.zip !== undefined) throw failed('is compressed; let the server leave out zip');
  return header.kid;
}

/** @returns undefined where no key fits. */
async function openWithAny(
  jwe: string,
  kid: string | undefined,
  keys: readonly DecryptionKey[],
): Promise<string | undefined> {
  for (const key of keys) {
    if (kid !== undefined && key.kid !== undefined && key.kid !== kid) continue;
    const getKey: CompactDecryptGetKey = ({ alg }) => key.prepare(alg);
    try {
      const { plaintext } = await compactDecrypt(jwe, getKey, allowed);
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(plaintext);
    } catch (error) {
      // anything else may be a matter of the key
      if (error instanceof errors.JOSEAlgNotAllowed) {
        const { keyManagementAlgorithms, contentEncryptionAlgorithms } = allowed;
        const count = `${keyManagementAlgorithms.join(', ')} with ${contentEncryptionAlgorithms.join(', ')}`;
        throw failed(`is encrypted with an algorithm that does not count; those that do are ${count}`);
      }
    }
  }
  return undefined;
}

function readKeys(value: PrivateKey | readonly PrivateKey[]): readonly DecryptionKey[] {
  const keys: readonly PrivateKey[] = Array.isArray(value) ? value : [value];
  if (keys.length === 0) throw noPrivateKey();
  return keys.map(readKey);
}

const noPrivateKey = () =>
  new TypeError(
    'decryptionKey must be a private key, or a list of them: PKCS #8 in PEM, a JWK, or an imported one',
  );

function readKey(key: PrivateKey): DecryptionKey {
  if (typeof key === 'string' && key.startsWith('-----BEGIN PRIVATE KEY-----')) {
    const imported = new Map<string, Promise<CryptoKey>>();
    const prepare = (algorithm: string) => {
      const known = imported.get(algorithm) ?? importPKCS8(key, algorithm);
      imported.set(algorithm, known);
      return known;
    };
    return { kid: undefined, prepare };
  }
  if (typeof key !== 'object' || key === null) throw noPrivateKey();
  if (!isJwk(key)) {
    if (key.type !== 'private') throw noPrivateKey();
    return { kid: undefined, prepare: () => key };
  }
  if (typeof key.d !== 'string') throw noPrivateKey();
  // jose freezes what it is given
  const jwk = { ...key };
  return { kid: jwk.kid, prepare: () => jwk };
}

const isJwk = (key: Exclude<PrivateKey, string>): key is JWK => 'kty' in key;
