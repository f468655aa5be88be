import * as nodeCrypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPeppers } from './pepper.js';
import { bucketBytes, createSealing, type EntryKeys, type OpenEntry, type Sealing } from './sealed-entry.js';
import { type Bytes, nodePrimitives, webPrimitives } from './sealing-primitives.js';
import { serialize } from './stored-entry.js';

interface Vector {
  readonly title: string;
  readonly pepper: { readonly id: string; readonly secret?: string; readonly secretHex?: string };
  readonly cacheKey: string;
  readonly lookupKey: string;
  readonly sealKeyHex: string;
  readonly nonceHex: string;
  readonly jwt: string;
  readonly claims: string;
  readonly expiresAt: number;
  readonly storedAt?: number;
  readonly sealedBase64: string;
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/sealed-entries.json', import.meta.url), 'utf8'),
).entries;

const pepperOf = (id: string, secret: string | Uint8Array = `${id}: a secret of thirty-two bytes or more`) =>
  readPeppers({ id, secret })[0];

const contentOf = (text: string): Bytes => Buffer.from(text);

const entry: OpenEntry = {
  content: contentOf('header.payload.signature of somebody'),
  expiresAt: 1_800_000_060,
  storedAt: 1_800_000_000,
};

const poisoned = expect.objectContaining({ name: 'CacheError', code: 'ERR_CACHE_POISONED' });

/** What came of opening: the entry, nothing, or the code of the error. */
async function outcome(sealing: Sealing, value: Bytes, keys: EntryKeys): Promise<unknown> {
  try {
    return await sealing.open(value, keys);
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

describe.each([
  ['on node:crypto', createSealing(nodePrimitives(nodeCrypto))],
  ['on WebCrypto', createSealing(webPrimitives(crypto))],
  ['on what is found', createSealing()],
])('sealing %s', (_name, sealing) => {
  const seal = async (entryToSeal = entry, cacheKey = 'key', pepperId = 'p') => {
    const keys = await sealing.keysOf(cacheKey, pepperOf(pepperId));
    return { keys, value: await sealing.seal(entryToSeal, keys) };
  };
  const opened = async (value: Bytes, keys: EntryKeys) => {
    const found = await sealing.open(value, keys);
    return (
      found && {
        ...found,
        content: Buffer.from(found.content.toString('latin1').replace(/ +$/, ''), 'latin1'),
      }
    );
  };

  describe.each(vectors)('gives the known answer: $title', (vector) => {
    const { secret, secretHex = '' } = vector.pepper;
    const pepper = pepperOf(vector.pepper.id, secret ?? Buffer.from(secretHex, 'hex'));
    const sealed = Buffer.from(vector.sealedBase64, 'base64');
    const { expiresAt, storedAt } = vector;
    const content = serialize(vector.jwt, JSON.parse(vector.claims));

    it('for the keys', async () => {
      const keys = await sealing.keysOf(vector.cacheKey, pepper);
      expect(keys.lookup).toBe(vector.lookupKey);
      expect((await keys.seal()).toString('hex')).toBe(vector.sealKeyHex);
    });

    it('for what is sealed', async () => {
      const keys = await sealing.keysOf(vector.cacheKey, pepper);
      const nonce = Buffer.from(vector.nonceHex, 'hex');
      const value = await sealing.seal({ content, expiresAt, storedAt }, keys, nonce);
      expect(value.toString('base64')).toBe(vector.sealedBase64);
    });

    it('for what is opened', async () => {
      const keys = await sealing.keysOf(vector.cacheKey, pepper);
      expect(await opened(sealed, keys)).toStrictEqual({ content, expiresAt, storedAt });
    });
  });

  it('opens what it sealed, deadlines exactly as they were', async () => {
    const odd = { content: contentOf('é 😀'), expiresAt: 1_800_000_060.1, storedAt: 1_799_999_999.9 };
    const { keys, value } = await seal(odd);
    expect(await opened(value, keys)).toEqual(odd);
  });

  it('never seals the same twice, nor shows anything of what is inside', async () => {
    const one = await seal();
    const other = await seal();
    expect(one.value.equals(other.value)).toBe(false);
    expect(one.value.includes('header')).toBe(false);
    expect(one.value.includes('somebody')).toBe(false);
  });

  it('opens nothing in which a single bit is not as it was', async () => {
    const { keys, value } = await seal();
    const results = new Map<unknown, number>();
    for (let bit = 0; bit < value.length * 8; bit++) {
      const copy = Buffer.from(value);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = await outcome(sealing, copy, keys);
      results.set(result, (results.get(result) ?? 0) + 1);
    }
    // as another release's: four bits of the version; as another pepper's: the id's length, and the id
    const quiet = 4 + 8 + 8;
    expect(Object.fromEntries(results)).toEqual({
      undefined: quiet,
      ERR_CACHE_POISONED: value.length * 8 - quiet,
    });
  });

  it('opens nothing that was cut off, or prolonged', async () => {
    const { keys, value } = await seal();
    for (let length = 0; length < value.length; length++) {
      expect(await outcome(sealing, value.subarray(0, length), keys)).toBe('ERR_CACHE_POISONED');
    }
    const longer = Buffer.concat([value, Buffer.alloc(1)]);
    expect(await outcome(sealing, longer, keys)).toBe('ERR_CACHE_POISONED');
  });

  it('opens nothing at another place: of another token or context, or another pepper with the same id', async () => {
    const { value } = await seal();
    const otherKey = await sealing.keysOf('kez', pepperOf('p'));
    const otherSecret = await sealing.keysOf('key', pepperOf('p', 'another secret of 32 bytes or more'));
    await expect(opened(value, otherKey)).rejects.toThrow(poisoned);
    await expect(opened(value, otherSecret)).rejects.toThrow(poisoned);
  });

  it('binds the place by more than the key that it was sealed with', async () => {
    const { keys, value } = await seal();
    const moved = { ...keys, lookup: (await sealing.keysOf('kez', pepperOf('p'))).lookup };
    await expect(opened(value, moved)).rejects.toThrow(poisoned);
  });

  it('opens nothing whose deadline or date of storing was replaced', async () => {
    const [sooner, later] = [await seal(), await seal({ ...entry, expiresAt: entry.expiresAt + 1 })];
    const younger = await seal({ ...entry, storedAt: 1_800_000_001 });
    const header = 2 + 1 + 16;
    for (const other of [later, younger]) {
      const mixed = Buffer.concat([other.value.subarray(0, header), sooner.value.subarray(header)]);
      await expect(opened(mixed, sooner.keys)).rejects.toThrow(poisoned);
    }
  });

  it.each([2, 3, 16, 31])('takes version %d for another release’s, and no entry', async (version) => {
    const { keys, value } = await seal();
    value[0] = version;
    expect(await sealing.open(value, keys)).toBeUndefined();
    expect(await sealing.open(Buffer.of(version), keys)).toBeUndefined();
  });

  it.each(['', 'garbage', '{"version":1}', '\0', '\u{1}', '\u{1}\u{1}p', 'é'])(
    'takes %j for poison',
    async (text) => {
      const { keys } = await seal();
      await expect(opened(Buffer.from(text), keys)).rejects.toThrow(poisoned);
    },
  );

  it('takes what another pepper sealed for no entry, whatever follows its id', async () => {
    const { value } = await seal(entry, 'key', 'q');
    const { keys } = await seal(entry, 'key', 'p');
    expect(await sealing.open(value, keys)).toBeUndefined();
    const { keys: longer } = await seal(entry, 'key', 'qq');
    expect(await sealing.open(value, longer)).toBeUndefined();
  });

  it('derives every key from the cache key and from the pepper', async () => {
    const all = await Promise.all(
      ['key', 'kez'].flatMap((cacheKey) => ['p', 'q'].map((id) => sealing.keysOf(cacheKey, pepperOf(id)))),
    );
    const seals = await Promise.all(all.map(async (keys) => (await keys.seal()).toString('base64url')));
    const lookups = all.map(({ lookup }) => lookup);
    expect(new Set([...seals, ...lookups]).size).toBe(8);
    for (const lookup of lookups) expect(lookup).toMatch(/^[\w-]{43}$/);
  });
});

describe('the length of what is sealed', () => {
  const lengthOf = async (bytes: number) => {
    const sealing = createSealing();
    const keys = await sealing.keysOf('key', pepperOf('p'));
    return (await sealing.seal({ ...entry, content: contentOf('x'.repeat(bytes)) }, keys)).length;
  };

  it('is the same for all that fits into one bucket', async () => {
    const lengths = await Promise.all([0, 1, 500, 1023, 1024].map(lengthOf));
    expect(new Set(lengths).size).toBe(1);
    expect(await lengthOf(1025)).toBe(await lengthOf(1280));
    expect(await lengthOf(1280)).not.toBe(await lengthOf(1281));
  });

  it('is one of four for each doubling, and at most a quarter more than need be', () => {
    const sizes = new Set<number>();
    const odd: number[] = [];
    for (let bytes = 1025; bytes <= 16_384; bytes++) {
      const size = bucketBytes(bytes);
      if (size < bytes || size > bytes * 1.25) odd.push(bytes);
      sizes.add(size);
    }
    expect(odd).toEqual([]);
    expect(sizes.size).toBe(16);
  });
});
