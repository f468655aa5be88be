import type * as NodeCrypto from 'node:crypto';

/** HMAC-SHA-256 (RFC 2104) of the parts, one after the other. A key, as any digest, may be a binary string. */
export type Hmac = (
  key: Uint8Array | string,
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
  /** The inner block with messages of each length: few lengths occur, and a view takes as long to make as it is of use. */
  const upTo = Array.from({ length: inner.length + 1 }, (_, end) => inner.subarray(0, end));

  const atLength: Hmac = (key, encoding, ...message) => {
    const hmac = createHmac('sha256', typeof key === 'string' ? Buffer.from(key, 'binary') : key);
    for (const part of message) hmac.update(part);
    return hmac.digest(encoding);
  };
  if (hash === undefined) return atLength;

  return (key, encoding, ...message) => {
    let end = blockBytes;
    for (const part of message) end += part.length;
    const block = upTo[end];
    if (key.length > blockBytes || block === undefined) return atLength(key, encoding, ...message);
    const isText = typeof key === 'string';
    for (let at = 0; at < blockBytes; at++) {
      const byte = at >= key.length ? 0 : isText ? key.charCodeAt(at) : (key[at] as number);
      inner[at] = byte ^ 0x36;
      outer[at] = byte ^ 0x5c;
    }
    let at = blockBytes;
    for (const part of message) {
      inner.set(part, at);
      at += part.length;
    }
    const digest = hash('sha256', block, 'binary');
    // by hand: a call into Buffer for so few takes longer
    for (let at = 0; at < digestBytes; at++) outer[blockBytes + at] = digest.charCodeAt(at);
    return hash('sha256', outer, encoding);
  };
}
