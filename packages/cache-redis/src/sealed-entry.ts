import { type Awaitable, andThen } from './awaitable.js';
import { CacheError } from './cache-error.js';
import type { ReadPepper } from './pepper.js';
import {
  type Bytes,
  findPrimitives,
  type SealingPrimitives,
  tagBytes,
  type View,
  viewOf,
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
  /** What is inside: JSON, as spaces may follow. */
  readonly text: string;
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
const nonceBytes = 12;

/** Version, length of the id, id, expiresAt, storedAt: what stands in clear before the nonce, and is authenticated. */
const headerBytes = (idBytes: number) => 2 + idBytes + 8 + 8;

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
      const header = buildHeader(keys.pepperId, entry);
      const sealed = await primitives.encrypt(
        await keys.seal(),
        nonce,
        contextOf(header, keys),
        pad(entry.text),
      );
      return Buffer.concat([header, nonce, sealed]);
    },

    open(value, keys) {
      const version = value[0] ?? 0;
      const idBytes = value[1] ?? 0;
      if (version !== entryVersion) {
        if (version === 0 || version > highestVersion) throw poisoned();
        return undefined;
      }
      const end = headerBytes(idBytes);
      if (value.length < end + nonceBytes + tagBytes) throw poisoned();
      if (idBytes !== keys.pepperId.length || !goesOn(value, 2, keys.pepperId)) return undefined;
      const nonce = viewOf(value, end, end + nonceBytes);
      const context = contextOf(viewOf(value, 0, end), keys);
      const sealed = viewOf(value, end + nonceBytes);
      const plain = andThen(keys.seal(), (key) => primitives.decrypt(key, nonce, context, sealed));
      return andThen(plain, (bytes) => {
        if (bytes === undefined) throw poisoned();
        const storedAt = value.readDoubleBE(2 + idBytes + 8);
        return {
          text: bytes.toString(),
          expiresAt: value.readDoubleBE(2 + idBytes),
          storedAt: Number.isNaN(storedAt) ? undefined : storedAt,
        };
      });
    },
  };
}

const poisoned = () => new CacheError('ERR_CACHE_POISONED');

function buildHeader(pepperId: string, { expiresAt, storedAt = Number.NaN }: OpenEntry): Bytes {
  const header = Buffer.alloc(headerBytes(pepperId.length));
  header.set([entryVersion, pepperId.length]);
  header.write(pepperId, 2, 'latin1');
  header.writeDoubleBE(expiresAt, 2 + pepperId.length);
  header.writeDoubleBE(storedAt, 2 + pepperId.length + 8);
  return header;
}

/** Whether the value goes on like that text, each of whose characters is a byte. */
function goesOn(value: Bytes, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (value[start + at] !== text.charCodeAt(at)) return false;
  return true;
}

/** The place is part of it, so that no entry holds at another's. */
function contextOf(header: View, { lookup }: EntryKeys): Bytes {
  // every byte of it is written: what the pool had there before is not in it
  const context = Buffer.allocUnsafe(header.length + lookup.length);
  context.set(header);
  context.write(lookup, header.length, 'latin1');
  return context;
}

const leastBucketBytes = 1024;

/** Sizes that entries come in: four for each doubling, so that a length tells little and costs at most a quarter more. */
export function bucketBytes(bytes: number): number {
  if (bytes <= leastBucketBytes) return leastBucketBytes;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

/** Fills up with spaces, which JSON takes for nothing. */
function pad(text: string): Bytes {
  const padded = Buffer.alloc(bucketBytes(Buffer.byteLength(text)), ' ');
  padded.write(text);
  return padded;
}
