import { type Awaitable, andThen } from './awaitable.js';
import { CacheError } from './cache-error.js';
import type { ReadPepper } from './pepper.js';
import {
  type Bytes,
  findPrimitives,
  nonceBytes,
  type SealingPrimitives,
  tagBytes,
} from './sealing-primitives.js';
import type { EntryDates } from './stored-entry.js';

/** Changes with the derivation of keys and with the form of values, so that releases that share a Redis never misread each other. */
export const entryVersion = 1;

/** What follows from a cache key, that is from a presented token and its context, and from a pepper. */
export interface EntryKeys {
  readonly pepperId: string;
  /** Where the entry stands. Base64url, 43 characters; tells nothing of the token. */
  readonly lookup: string;
  /** What it is sealed with: 32 bytes that are stored nowhere. Derived when it is first asked for. */
  seal(): Awaitable<Bytes>;
}

export interface OpenEntry extends EntryDates {
  /** What is inside. Spaces may follow. */
  readonly content: Bytes;
}

/** Sealing: without the token an entry can be neither found nor read, without the pepper it cannot be forged. */
export interface Sealing {
  keysOf(cacheKey: string, pepper: ReadPepper): Awaitable<EntryKeys>;
  /** @param nonce 12 bytes, never the same twice. Left out but for known answers. */
  seal(entry: OpenEntry, keys: EntryKeys, nonce?: Bytes): Promise<Bytes>;
  /**
   * Opens what anybody may have written; `undefined` for what another release, or one with another pepper, wrote.
   * @throws {CacheError} ERR_CACHE_POISONED for what nobody sealed with these keys for this place.
   */
  open(value: Bytes, keys: EntryKeys): Awaitable<OpenEntry | undefined>;
}

const bytesOf = (text: string): Bytes => Buffer.from(text);
const lookupInfo = bytesOf(`phantom-token/lookup/${entryVersion}`);
const sealInfo = bytesOf(`phantom-token/seal/${entryVersion}`);

/** Higher ones are no release's: text, and much else that strays in, begins with them. */
const highestVersion = 31;

/** Version, length of the id, id, expiresAt, storedAt: what stands in clear before the nonce, and is authenticated. */
const headBytes = (idBytes: number) => 2 + idBytes + 8 + 8;

export function createSealing(primitives: SealingPrimitives = findPrimitives()): Sealing {
  return {
    keysOf(cacheKey, { id, secret }) {
      return andThen(primitives.derive(bytesOf(cacheKey), secret), (derivation) => {
        let key: Awaitable<Bytes> | undefined;
        const seal = () => {
          key ??= derivation.bytes(sealInfo);
          return key;
        };
        return andThen(derivation.base64url(lookupInfo), (lookup) => ({ pepperId: id, lookup, seal }));
      });
    },

    async seal(entry, keys, nonce = crypto.getRandomValues(Buffer.alloc(nonceBytes))) {
      const head = buildHead(keys.pepperId, entry);
      // the place is authenticated, so that no entry holds at another's
      return primitives.encrypt(await keys.seal(), nonce, head, keys.lookup, pad(entry.content));
    },

    open(value, keys) {
      const version = value[0] ?? 0;
      const idBytes = value[1] ?? 0;
      if (version !== entryVersion) {
        if (version === 0 || version > highestVersion) throw poisoned();
        return undefined;
      }
      const end = headBytes(idBytes);
      if (value.length < end + nonceBytes + tagBytes) throw poisoned();
      if (idBytes !== keys.pepperId.length || !goesOn(value, 2, keys.pepperId)) return undefined;
      const plain = andThen(keys.seal(), (key) => primitives.decrypt(key, value, end, keys.lookup));
      return andThen(plain, (content) => {
        if (content === undefined) throw poisoned();
        const storedAt = value.readDoubleBE(2 + idBytes + 8);
        return {
          content,
          expiresAt: value.readDoubleBE(2 + idBytes),
          storedAt: Number.isNaN(storedAt) ? undefined : storedAt,
        };
      });
    },
  };
}

const poisoned = () => new CacheError('ERR_CACHE_POISONED');

function buildHead(pepperId: string, { expiresAt, storedAt = Number.NaN }: OpenEntry): Bytes {
  const head = Buffer.alloc(headBytes(pepperId.length));
  head.set([entryVersion, pepperId.length]);
  head.write(pepperId, 2, 'latin1');
  head.writeDoubleBE(expiresAt, 2 + pepperId.length);
  head.writeDoubleBE(storedAt, 2 + pepperId.length + 8);
  return head;
}

/** Whether the value goes on like that text, each of whose characters is a byte. */
function goesOn(value: Bytes, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (value[start + at] !== text.charCodeAt(at)) return false;
  return true;
}

const leastBucketBytes = 1024;

/** Sizes that entries come in: four for each doubling, so that a length tells little and costs at most a quarter more. */
export function bucketBytes(bytes: number): number {
  if (bytes <= leastBucketBytes) return leastBucketBytes;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

/** Fills up with spaces, which JSON takes for nothing. */
function pad(content: Bytes): Bytes {
  const padded = Buffer.alloc(bucketBytes(content.length), ' ');
  padded.set(content);
  return padded;
}
