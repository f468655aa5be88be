import { type Awaitable, andThen } from './awaitable.js';
import type { ReadPepper } from './pepper.js';
import { type Bytes, findPrimitives, type SealingPrimitives, tagBytes } from './sealing-primitives.js';

/** Changes with the form of messages, so that releases that share a Redis never misread each other. */
export const messageVersion = 1;

const digestBytes = 43;
const nonceBytes = 12;
/** Version, and the instant at which it was sealed: what stands in clear before the nonce, and is authenticated. */
const headerBytes = 1 + 8;

/** Every message has this length; nothing else is looked at. */
export const messageBytes = headerBytes + nonceBytes + digestBytes + tagBytes;

const info = Buffer.from(`phantom-token/revocations/${messageVersion}`);
const isDigest = /^[\w-]{43}$/;

/**
 * Words of one channel between those who have its pepper. Nobody else can read one, make one, or carry one over from
 * another channel. What is none costs a comparison, and at most one decryption of 43 bytes.
 */
export interface RevocationMessages {
  /**
   * @param now NumericDate.
   * @param nonce Never the same twice with one pepper, as `makeNonce` makes them.
   */
  seal(digest: string, now: number, nonce?: Bytes): Promise<Bytes>;
  /** The digest; `undefined` for what nobody sealed for this channel with this pepper, or not lately. */
  open(message: Bytes, now: number): Awaitable<string | undefined>;
}

export interface RevocationMessagesOptions {
  readonly pepper: ReadPepper;
  /** Its full name in Redis. */
  readonly channel: string;
  /** How far from now, either way, a message may have been sealed. Wide enough for clocks that differ. */
  readonly memorySeconds: number;
}

export function createRevocationMessages(
  { pepper, channel, memorySeconds }: RevocationMessagesOptions,
  primitives: SealingPrimitives = findPrimitives(),
): RevocationMessages {
  const place = Buffer.from(channel);
  const noSalt = Buffer.alloc(0);
  const key = andThen(primitives.derive(pepper.secret, noSalt), (derivation) => derivation.bytes(info));

  const contextOf = (header: Bytes) => Buffer.concat([header, place]);

  function decrypt(key: Bytes, message: Bytes): Awaitable<string | undefined> {
    const plain = primitives.decrypt(
      key,
      message.subarray(headerBytes, headerBytes + nonceBytes),
      contextOf(message.subarray(0, headerBytes)),
      message.subarray(headerBytes + nonceBytes),
    );
    return andThen(plain, toDigest);
  }

  return {
    async seal(digest, now, nonce = makeNonce()) {
      if (!isDigest.test(digest)) throw new TypeError('digest must be 43 characters of base64url');
      const header = Buffer.alloc(headerBytes);
      header[0] = messageVersion;
      header.writeDoubleBE(now, 1);
      const sealed = await primitives.encrypt(await key, nonce, contextOf(header), Buffer.from(digest));
      return Buffer.concat([header, nonce, sealed]);
    },
    open(message, now) {
      if (message.length !== messageBytes || message[0] !== messageVersion) return undefined;
      // written so that what is no number is refused as well
      if (!(Math.abs(now - message.readDoubleBE(1)) <= memorySeconds)) return undefined;
      return andThen(key, (it) => decrypt(it, message));
    },
  };
}

function toDigest(plain: Bytes | undefined): string | undefined {
  const digest = plain?.toString('latin1');
  return digest !== undefined && isDigest.test(digest) ? digest : undefined;
}

export const makeNonce = (): Bytes => crypto.getRandomValues(Buffer.alloc(nonceBytes));

/** What tells one message from another, before it is opened. */
export const nonceOf = (message: Bytes): string =>
  message.toString('latin1', headerBytes, headerBytes + nonceBytes);
