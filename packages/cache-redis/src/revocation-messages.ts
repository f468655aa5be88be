import { type Awaitable, andThen } from './awaitable.js';
import type { ReadPepper } from './pepper.js';
import {
  type Bytes,
  findPrimitives,
  nonceBytes,
  type SealingPrimitives,
  tagBytes,
} from './sealing-primitives.js';

/** Changes with the form of messages, so that releases that share a Redis never misread each other. */
export const messageVersion = 1;

const digestBytes = 43;
/** Version, and the instant at which it was sealed: what stands in clear before the nonce, and is authenticated. */
const headBytes = 1 + 8;

/** Every message has this length; nothing else is looked at. */
export const messageBytes = headBytes + nonceBytes + digestBytes + tagBytes;

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
  const noSalt = Buffer.alloc(0);
  const key = andThen(primitives.derive(pepper.secret, noSalt), (derivation) => derivation.bytes(info));

  const decrypt = (key: Bytes, message: Bytes): Awaitable<string | undefined> =>
    andThen(primitives.decrypt(key, message, headBytes, channel), toDigest);

  return {
    async seal(digest, now, nonce = makeNonce()) {
      if (!isDigest.test(digest)) throw new TypeError('digest must be 43 characters of base64url');
      const head = Buffer.alloc(headBytes);
      head[0] = messageVersion;
      head.writeDoubleBE(now, 1);
      return primitives.encrypt(await key, nonce, head, channel, Buffer.from(digest));
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
  message.toString('latin1', headBytes, headBytes + nonceBytes);
