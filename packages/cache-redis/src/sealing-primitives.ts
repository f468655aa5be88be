import type * as NodeCrypto from 'node:crypto';
import type { Awaitable } from './awaitable.js';
import { createHmacOf } from './hmac.js';

export type Bytes = Buffer<ArrayBuffer>;
/** Bytes that are only looked at. */
export type View = Uint8Array<ArrayBuffer>;

/** Some of them. A Buffer's subarray is a Buffer, which takes longer to make. */
export const viewOf = (bytes: View, start: number, end = bytes.length): View =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);

/** The two algorithms that sealing is made of, synchronous where the runtime has them so. */
export interface SealingPrimitives {
  /** HKDF-SHA-256 (RFC 5869). */
  derive(input: Bytes, salt: Bytes): Awaitable<Derivation>;
  /** AES-256-GCM; the ciphertext with its tag of 16 bytes. */
  encrypt(key: Bytes, nonce: Bytes, context: Bytes, plain: Bytes): Awaitable<Bytes>;
  /** What `encrypt` was given; `undefined` where any of it is not the same. */
  decrypt(key: Bytes, nonce: View, context: Bytes, sealed: View): Awaitable<Bytes | undefined>;
}

/** 32 bytes for each info, as they are or as text. */
export interface Derivation {
  bytes(info: Bytes): Awaitable<Bytes>;
  base64url(info: Bytes): Awaitable<string>;
}

export const tagBytes = 16;

const algorithm = 'aes-256-gcm';

export function nodePrimitives(nodeCrypto: typeof NodeCrypto): SealingPrimitives {
  const { createCipheriv, createDecipheriv } = nodeCrypto;
  const hmac = createHmacOf(nodeCrypto);
  // a single block is all that 32 bytes need
  const firstBlock = Uint8Array.of(1);
  return {
    derive(input, salt) {
      const extracted = hmac(salt, 'binary', input);
      return {
        bytes: (info) => Buffer.from(hmac(extracted, 'binary', info, firstBlock), 'binary'),
        base64url: (info) => hmac(extracted, 'base64url', info, firstBlock),
      };
    },
    encrypt(key, nonce, context, plain) {
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(context);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(key, nonce, context, sealed) {
      const end = sealed.length - tagBytes;
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      decipher.setAAD(context);
      decipher.setAuthTag(viewOf(sealed, end));
      const plain = decipher.update(viewOf(sealed, 0, end));
      try {
        decipher.final();
        return plain;
      } catch {
        return undefined;
      }
    },
  };
}

export function webPrimitives({ subtle }: Crypto): SealingPrimitives {
  const keyOf = (key: Bytes, usage: 'encrypt' | 'decrypt') =>
    subtle.importKey('raw', key, 'AES-GCM', false, [usage]);
  const parameters = (iv: View, additionalData: Bytes) => ({ name: 'AES-GCM', iv, additionalData });
  return {
    async derive(input, salt) {
      const key = await subtle.importKey('raw', input, 'HKDF', false, ['deriveBits']);
      const bytes = async (info: Bytes) =>
        Buffer.from(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 256));
      return { bytes, base64url: async (info) => (await bytes(info)).toString('base64url') };
    },
    async encrypt(key, nonce, context, plain) {
      return Buffer.from(
        await subtle.encrypt(parameters(nonce, context), await keyOf(key, 'encrypt'), plain),
      );
    },
    async decrypt(key, nonce, context, sealed) {
      const using = await keyOf(key, 'decrypt');
      try {
        return Buffer.from(await subtle.decrypt(parameters(nonce, context), using, sealed));
      } catch {
        return undefined;
      }
    },
  };
}

interface Runtime {
  readonly process?: { readonly getBuiltinModule?: (name: 'crypto') => typeof NodeCrypto | undefined };
}

/** Those of `node:crypto` where there is one: WebCrypto takes many times as long for so little. */
export function findPrimitives(runtime: Runtime = globalThis as Runtime): SealingPrimitives {
  const found = runtime.process?.getBuiltinModule?.('crypto');
  return found === undefined ? webPrimitives(crypto) : nodePrimitives(found);
}
