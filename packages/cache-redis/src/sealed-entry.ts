import { CacheError } from './cache-error.js';
import type { ReadPepper } from './pepper.js';
import {
  type Awaitable,
  type Bytes,
  findPrimitives,
  type SealingPrimitives,
  tagBytes,
} from './sealing-primitives.js';

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

export interface OpenEntry {
  /** What is inside: JSON, as spaces may follow. */
  readonly text: string;
  /** NumericDate. */
  readonly expiresAt: number;
  /** NumericDate of the writer's clock, where it was said. */
  readonly storedAt?: number;
}

/** Sealing: without the token an entry can be neither found nor read, without the pepper it cannot be forged. */
export interface Sealing {
  keysOf(cacheKey: string, pepper: ReadPepper): Promise<EntryKeys>;
  /** @param nonce 12 bytes, never the same twice. Left out but for known answers. */
  seal(entry: OpenEntry, keys: EntryKeys, nonce?: Bytes): Promise<Bytes>;
  /**
   * Opens what anybody may have written; `undefined` for what another release, or one with another pepper, wrote.
   * @throws {CacheError} ERR_CACHE_POISONED for what nobody sealed with these keys for this place.
   */
  open(value: Bytes, keys: EntryKeys): Promise<OpenEntry | undefined>;
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
    async keysOf(cacheKey, { id, secret }) {
      const expand = await primitives.derive(bytesOf(cacheKey), secret);
      const lookup = (await expand(lookupInfo)).toString('base64url');
      let key: Awaitable<Bytes> | undefined;
      const seal = () => {
        key ??= expand(sealInfo);
        return key;
      };
      return { pepperId: id, lookup, seal };
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

    async open(value, keys) {
      const [version = 0, idBytes = 0] = value;
      if (version !== entryVersion) {
        if (version === 0 || version > highestVersion) throw poisoned();
        return undefined;
      }
      const end = headerBytes(idBytes);
      if (value.length < end + nonceBytes + tagBytes) throw poisoned();
      if (value.toString('latin1', 2, 2 + idBytes) !== keys.pepperId) return undefined;
      const plain = await primitives.decrypt(
        await keys.seal(),
        value.subarray(end, end + nonceBytes),
        contextOf(value.subarray(0, end), keys),
        value.subarray(end + nonceBytes),
      );
      if (plain === undefined) throw poisoned();
      const storedAt = value.readDoubleBE(2 + idBytes + 8);
      return {
        text: plain.toString(),
        expiresAt: value.readDoubleBE(2 + idBytes),
        ...(!Number.isNaN(storedAt) && { storedAt }),
      };
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

/** The place is part of it, so that no entry holds at another's. */
function contextOf(header: Bytes, { lookup }: EntryKeys): Bytes {
  const context = Buffer.alloc(header.length + lookup.length);
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
