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
  /** Remembers it, for the commands that follow, and since a derivation is a quarter of what a hit costs. */
  of(cacheKey: string): Awaitable<EntryPlace>;
}

const newPlace = (...keys: [EntryKeys, ...EntryKeys[]]): EntryPlace => ({
  keys,
  waitedSeconds: 0,
  isStored: false,
});

/**
 * How many are remembered for certain; up to as many more, met before those, are forgotten together. Forgetting one costs a
 * derivation, and a request some of its patience.
 */
const leastPlaces = 4096;

export function createEntryPlaces(
  peppers: readonly [ReadPepper, ...ReadPepper[]],
  sealing: Sealing,
): EntryPlaces {
  // in two halves: to look for the oldest of a Map whose first ones were deleted takes longer than a derivation's HMAC
  let recent = new Map<string, EntryPlace>();
  let former = recent;

  function remember(cacheKey: string, place: EntryPlace): EntryPlace {
    if (recent.size === leastPlaces) {
      former = recent;
      recent = new Map();
    }
    recent.set(cacheKey, place);
    return place;
  }

  function recall(cacheKey: string): EntryPlace | undefined {
    const place = former.get(cacheKey);
    return place && remember(cacheKey, place);
  }

  function derive(cacheKey: string): Awaitable<EntryPlace> {
    const [first, second] = peppers;
    const keysOf = (pepper: ReadPepper) => sealing.keysOf(cacheKey, pepper);
    return andThen(keysOf(first), (keys) =>
      second === undefined ? newPlace(keys) : andThen(keysOf(second), (more) => newPlace(keys, more)),
    );
  }

  return {
    of: (cacheKey) =>
      recent.get(cacheKey) ??
      recall(cacheKey) ??
      andThen(derive(cacheKey), (place) => remember(cacheKey, place)),
  };
}
