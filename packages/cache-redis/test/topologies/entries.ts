import type { Redis } from 'ioredis';

/** The keys of all entries on a server, in order; locks stand beside them. */
export const entryKeys = async (redis: Redis, prefix = 'pt:'): Promise<string[]> =>
  (await redis.keys(`${prefix}1:*`)).filter((key) => key.endsWith('}')).sort();

export interface StoredEntry {
  readonly key: string;
  readonly value: Buffer;
}

/** What stands in Redis since something was done, in an order that tells nothing. */
async function storedBy(redis: Redis, act: () => Promise<unknown>): Promise<readonly StoredEntry[]> {
  const before = new Set(await entryKeys(redis));
  await act();
  const added = (await entryKeys(redis)).filter((key) => !before.has(key));
  return Promise.all(
    added.map(async (key) => ({ key, value: (await redis.getBuffer(key)) ?? Buffer.alloc(0) })),
  );
}

/** The same where it is one entry. */
export async function oneStoredBy(redis: Redis, act: () => Promise<unknown>): Promise<StoredEntry> {
  const [entry, ...others] = await storedBy(redis, act);
  if (entry === undefined || others.length > 0) throw new Error('it was to store one entry');
  return entry;
}
