import type * as NodeCrypto from 'node:crypto';
import type { Awaitable } from './awaitable.js';
import { createHmacOf } from './hmac.js';

export type Bytes = Buffer<ArrayBuffer>;

/** Some of them, to be looked at. A Buffer's subarray is a Buffer, which takes longer to make. */
const viewOf = (bytes: Bytes, start: number, end: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);

/** The two algorithms that sealing is made of, synchronous where the runtime has them so. */
export interface SealingPrimitives {
  /** HKDF-SHA-256 (RFC 5869). */
  derive(input: Bytes, salt: Bytes): Awaitable<Derivation>;
  /** AES-256-GCM: a value of the head as it is, the nonce, the ciphertext, and the tag. Head and place are authenticated. */
  encrypt(key: Bytes, nonce: Bytes, head: Bytes, place: string, plain: Bytes): Awaitable<Bytes>;
  /** What is in a value with a head of so many bytes; `undefined` where anything is not the same. */
  decrypt(key: Bytes, value: Bytes, headBytes: number, place: string): Awaitable<Bytes | undefined>;
}

/** 32 bytes for each info, as they are or as text. */
export interface Derivation {
  bytes(info: Bytes): Awaitable<Bytes>;
  base64url(info: Bytes): Awaitable<string>;
}

export const nonceBytes = 12;
export const tagBytes = 16;

const algorithm = 'aes-256-gcm';
const decipherOptions = { authTagLength: tagBytes };

/** What is authenticated: the head of the value, and the place. */
type MakeContext = (value: Bytes, headBytes: number, place: string) => Bytes;

const newContext: MakeContext = (value, headBytes, place) =>
  Buffer.concat([value.subarray(0, headBytes), Buffer.from(place)]);

const mostContextBytes = 1024;
const mostBytesOfUnit = 3;

/** Makes contexts that hold until the next one is made: to allocate one takes longer than to fill it. */
function reusedContexts(): MakeContext {
  const block = Buffer.alloc(mostContextBytes);
  /** The block up to each length that occurs, which are few. */
  const upTo: Bytes[] = [];
  return (value, headBytes, place) => {
    if (headBytes + place.length * mostBytesOfUnit > mostContextBytes)
      return newContext(value, headBytes, place);
    // by hand, as few as they are
    for (let at = 0; at < headBytes; at++) block[at] = value[at] as number;
    const length = headBytes + block.write(place, headBytes);
    const known = upTo[length];
    if (known !== undefined) return known;
    const made = block.subarray(0, length);
    upTo[length] = made;
    return made;
  };
}

export function nodePrimitives(nodeCrypto: typeof NodeCrypto): SealingPrimitives {
  const { createCipheriv, createDecipheriv } = nodeCrypto;
  const hmac = createHmacOf(nodeCrypto);
  const contextOf = reusedContexts();
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
    encrypt(key, nonce, head, place, plain) {
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(contextOf(head, head.length, place));
      return Buffer.concat([head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(key, value, headBytes, place) {
      const nonceEnd = headBytes + nonceBytes;
      const end = value.length - tagBytes;
      const decipher = createDecipheriv(algorithm, key, viewOf(value, headBytes, nonceEnd), decipherOptions);
      decipher.setAAD(contextOf(value, headBytes, place));
      decipher.setAuthTag(viewOf(value, end, value.length));
      const plain = decipher.update(viewOf(value, nonceEnd, end));
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
  const parameters = (iv: Uint8Array<ArrayBuffer>, additionalData: Bytes) => ({
    name: 'AES-GCM',
    iv,
    additionalData,
  });
  return {
    async derive(input, salt) {
      const key = await subtle.importKey('raw', input, 'HKDF', false, ['deriveBits']);
      const bytes = async (info: Bytes) =>
        Buffer.from(await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, key, 256));
      return { bytes, base64url: async (info) => (await bytes(info)).toString('base64url') };
    },
    async encrypt(key, nonce, head, place, plain) {
      const using = await keyOf(key, 'encrypt');
      const context = newContext(head, head.length, place);
      const sealed = await subtle.encrypt(parameters(nonce, context), using, plain);
      return Buffer.concat([head, nonce, Buffer.from(sealed)]);
    },
    async decrypt(key, value, headBytes, place) {
      const using = await keyOf(key, 'decrypt');
      const nonceEnd = headBytes + nonceBytes;
      const nonce = viewOf(value, headBytes, nonceEnd);
      const context = newContext(value, headBytes, place);
      const sealed = viewOf(value, nonceEnd, value.length);
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
