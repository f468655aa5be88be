import type { CacheEntry } from './cache.js';

/** How many are kept; each takes some 150 bytes. */
const defaultMax = 100_000;

/** By how much the clocks of instances may differ before an entry of one outlives what another revoked. Seconds. */
const clockToleranceSeconds = 5;

/** What was revoked, by digest: entries that were asked for before are not to be used. */
export interface Tombstones {
  /** Grows with every burial: an entry that was judged at this count need not be judged again. */
  readonly generation: number;
  /** Whatever carries this digest and was asked for until now is out of date. */
  bury(digest: string, now: number): void;
  /** So is all that this process has asked for; `everywhere`: and all that others have. */
  buryAll(now: number, everywhere: boolean): void;
  /**
   * Whether an entry that carries these digests is out of date.
   * @param askedAt The generation at which this process asked; without it, the entry's `storedAt` decides.
   */
  cover(digests: readonly string[], entry: CacheEntry, askedAt: number | undefined): boolean;
}

interface Tombstone {
  readonly generation: number;
  /** NumericDate */
  readonly at: number;
}

/** Burials of a span of time, so that they go in bulk. */
interface Span {
  readonly buried: Map<string, Tombstone>;
  /** NumericDate */
  readonly startedAt: number;
  latest: Tombstone;
}

const createSpan = (startedAt: number): Span => ({
  buried: new Map(),
  startedAt,
  latest: { generation: 0, at: Number.NEGATIVE_INFINITY },
});

/**
 * @param lifetimeSeconds After which no entry is left that was asked for before.
 * @param max When there are more, the older half goes, and with it all entries as old as that: too much is forgotten,
 * never too little.
 */
export function createTombstones(lifetimeSeconds: number, max: number = defaultMax): Tombstones {
  const spanSeconds = lifetimeSeconds + clockToleranceSeconds;
  let newer = createSpan(Number.NEGATIVE_INFINITY);
  let older = newer;
  /** What is older is out of date, whatever it carries: by generation what we asked for, by date what others did. */
  let oldestGeneration = 0;
  let oldestDate = Number.NEGATIVE_INFINITY;

  function raiseFloor(to: Tombstone): void {
    oldestGeneration = Math.max(oldestGeneration, to.generation);
    oldestDate = Math.max(oldestDate, to.at);
  }

  function beginSpan(now: number): void {
    if (older.latest.at + spanSeconds > now) raiseFloor(older.latest);
    older = newer;
    newer = createSpan(now);
  }

  // an entry whose date was lost on the way counts as older than everything
  const isOlderThan = ({ storedAt }: CacheEntry, date: number) =>
    !(typeof storedAt === 'number' && storedAt > date + clockToleranceSeconds);

  const isBelowFloor = (entry: CacheEntry, askedAt: number | undefined) =>
    askedAt === undefined
      ? oldestDate !== Number.NEGATIVE_INFINITY && isOlderThan(entry, oldestDate)
      : askedAt < oldestGeneration;

  // read on every hit, where a getter would cost more than the comparison
  const tombstones = {
    generation: 0,
    bury(digest: string, now: number) {
      tombstones.generation++;
      const isFull = newer.buried.size >= max / 2 && !newer.buried.has(digest);
      if (isFull || newer.startedAt + spanSeconds <= now) beginSpan(now);
      newer.latest = { generation: tombstones.generation, at: now };
      newer.buried.set(digest, newer.latest);
    },
    buryAll(now: number, everywhere: boolean) {
      tombstones.generation++;
      raiseFloor({ generation: tombstones.generation, at: everywhere ? now : oldestDate });
    },
    cover(digests: readonly string[], entry: CacheEntry, askedAt: number | undefined) {
      if (isBelowFloor(entry, askedAt)) return true;
      for (const digest of digests) {
        const tombstone = newer.buried.get(digest) ?? older.buried.get(digest);
        if (tombstone === undefined) continue;
        if (askedAt === undefined ? isOlderThan(entry, tombstone.at) : askedAt < tombstone.generation)
          return true;
      }
      return false;
    },
  };
  return tombstones;
}
