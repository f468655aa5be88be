import type * as NodeCrypto from 'node:crypto';

/** HMAC-SHA-256 (RFC 2104) of the parts, one after the other. */
export type Hmac = (
  key: Uint8Array,
  encoding: 'binary' | 'base64url',
  ...message: readonly Uint8Array[]
) => string;

const blockBytes = 64;
const digestBytes = 32;
const maxMessageBytes = 256;

/**
 * A shared hit takes several, and `createHmac` makes an object for each: two calls of `crypto.hash` take a quarter of its
 * time. For long keys and messages, and where there is no such function, it is `createHmac`.
 */
export function createHmacOf(nodeCrypto: typeof NodeCrypto): Hmac {
  const { createHmac } = nodeCrypto;
  const hash: typeof NodeCrypto.hash | undefined = nodeCrypto.hash;
  const inner = Buffer.alloc(blockBytes + maxMessageBytes);
  const outer = Buffer.alloc(blockBytes + digestBytes);

  const atLength: Hmac = (key, encoding, ...message) => {
    const hmac = createHmac('sha256', key);
    for (const part of message) hmac.update(part);
    return hmac.digest(encoding);
  };
  if (hash === undefined) return atLength;

  return (key, encoding, ...message) => {
    let end = blockBytes;
    for (const part of message) end += part.length;
    if (key.length > blockBytes || end > inner.length) return atLength(key, encoding, ...message);
    for (let at = 0; at < blockBytes; at++) {
      const byte = key[at] ?? 0;
      inner[at] = byte ^ 0x36;
      outer[at] = byte ^ 0x5c;
    }
    let at = blockBytes;
    for (const part of message) {
      inner.set(part, at);
      at += part.length;
    }
    outer.write(hash('sha256', inner.subarray(0, end), 'binary'), blockBytes, 'binary');
    return hash('sha256', outer, encoding);
  };
}
