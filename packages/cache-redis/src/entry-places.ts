import { type Awaitable, andThen } from './awaitable.js';
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
  of(cacheKey: string): Awaitable<EntryPlace>;
  /** For the commands that follow; the oldest go first. */
  remember(cacheKey: string, place: EntryPlace): void;
}

const newPlace = (...keys: [EntryKeys, ...EntryKeys[]]): EntryPlace => ({
  keys,
  waitedSeconds: 0,
  isStored: false,
});

/** How many are remembered. Forgetting one costs a derivation, and a request some of its patience. */
const maxPlaces = 4096;

export function createEntryPlaces(
  peppers: readonly [ReadPepper, ...ReadPepper[]],
  sealing: Sealing,
): EntryPlaces {
  const remembered = new Map<string, EntryPlace>();
  return {
    of(cacheKey) {
      const known = remembered.get(cacheKey);
      if (known !== undefined) return known;
      const [first, second] = peppers;
      const keysOf = (pepper: ReadPepper) => sealing.keysOf(cacheKey, pepper);
      return andThen(keysOf(first), (keys) =>
        second === undefined ? newPlace(keys) : andThen(keysOf(second), (more) => newPlace(keys, more)),
      );
    },
    remember(cacheKey, place) {
      remembered.set(cacheKey, place);
      if (remembered.size <= maxPlaces) return;
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    },
  };
}
