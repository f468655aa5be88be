import type { ReadPepper } from './pepper.js';
import type { EntryKeys, Sealing } from './sealed-entry.js';

/** What this process remembers of one cache key between the commands of a request. */
export interface EntryPlace {
  /** By the peppers: the first for writing, all for reading. */
  readonly keys: readonly [EntryKeys, ...EntryKeys[]];
  /** How long the request has waited for Redis so far. Seconds. */
  waitedSeconds: number;
  /** Whether an entry was sent since somebody claimed the key. */
  isStored: boolean;
}

export interface EntryPlaces {
  of(cacheKey: string): Promise<EntryPlace>;
  /** For the commands that follow; the oldest go first. */
  remember(cacheKey: string, place: EntryPlace): void;
}

/** How many are remembered. Forgetting one costs a derivation, and a request some of its patience. */
const maxPlaces = 4096;

export function createEntryPlaces(
  peppers: readonly [ReadPepper, ...ReadPepper[]],
  sealing: Sealing,
): EntryPlaces {
  const remembered = new Map<string, EntryPlace>();
  return {
    async of(cacheKey) {
      const known = remembered.get(cacheKey);
      if (known !== undefined) return known;
      const keys = await Promise.all(peppers.map((pepper) => sealing.keysOf(cacheKey, pepper)));
      return { keys: keys as [EntryKeys, ...EntryKeys[]], waitedSeconds: 0, isStored: false };
    },
    remember(cacheKey, place) {
      remembered.set(cacheKey, place);
      if (remembered.size <= maxPlaces) return;
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    },
  };
}
