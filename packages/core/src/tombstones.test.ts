import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CacheEntry } from './cache.js';
import { createTombstones } from './tombstones.js';

const now = 1_800_000_000;
const lifetime = 300;

/** As another instance stored it. */
const askedAt = (storedAt?: unknown): CacheEntry =>
  ({ result: { active: true, jwt: 'j', claims: {} }, expiresAt: now + 300, storedAt }) as CacheEntry;

describe('tombstones', () => {
  it('cover what this process asked for before, whatever the clock says', () => {
    const tombstones = createTombstones(lifetime);
    const before = tombstones.generation;
    tombstones.bury('a', now);
    const after = tombstones.generation;
    for (const storedAt of [now - 100, now, now + 100, undefined]) {
      expect(tombstones.cover(['a'], askedAt(storedAt), before)).toBe(true);
      expect(tombstones.cover(['a'], askedAt(storedAt), after)).toBe(false);
    }
  });

  it.each<[string, unknown, boolean]>([
    ['before', now - 1, true],
    ['at the same time', now, true],
    ['later by less than clocks may differ', now + 5, true],
    ['later', now + 5.001, false],
    ['at a time that was lost', undefined, true],
    ['at no time', Number.NaN, true],
    ['at a time that is text', '9999999999', true],
  ])('cover what another instance asked for %s: by its date', (_title, storedAt, covered) => {
    const tombstones = createTombstones(lifetime);
    tombstones.bury('a', now);
    expect(tombstones.cover(['x', 'a', 'y'], askedAt(storedAt), undefined)).toBe(covered);
  });

  it('cover nothing that carries no digest of theirs', () => {
    const tombstones = createTombstones(lifetime);
    tombstones.bury('a', now);
    expect(tombstones.cover(['b'], askedAt(), 0)).toBe(false);
    expect(tombstones.cover(['b'], askedAt(), undefined)).toBe(false);
    expect(tombstones.cover([], askedAt(), 0)).toBe(false);
  });

  it('cover nothing while there are none, dates or not', () => {
    const tombstones = createTombstones(lifetime);
    expect(tombstones.generation).toBe(0);
    expect(tombstones.cover(['a'], askedAt(), undefined)).toBe(false);
  });

  it('count from the last burial of the same digest', () => {
    const tombstones = createTombstones(lifetime);
    tombstones.bury('a', now);
    const between = tombstones.generation;
    tombstones.bury('a', now + 100);
    expect(tombstones.cover(['a'], askedAt(), between)).toBe(true);
    expect(tombstones.cover(['a'], askedAt(now + 50), undefined)).toBe(true);
  });

  it('last until no entry is left that could be as old, clock differences and all', () => {
    const tombstones = createTombstones(lifetime);
    tombstones.bury('a', now);
    for (const later of [1, 300, 304.9]) {
      tombstones.bury('b', now + later);
      expect(tombstones.cover(['a'], askedAt(now), undefined)).toBe(true);
    }
  });

  it('go when their time has passed, and void nothing by that', () => {
    const tombstones = createTombstones(lifetime);
    tombstones.bury('a', now);
    tombstones.bury('b', now + 305);
    tombstones.bury('c', now + 610);
    expect(tombstones.cover(['a'], askedAt(now), undefined)).toBe(false);
    expect(tombstones.cover(['z'], askedAt(now), undefined)).toBe(false);
    expect(tombstones.cover(['b'], askedAt(now), undefined)).toBe(true);
  });

  it('when too many, let go of the older half and all that is as old as that', () => {
    const tombstones = createTombstones(lifetime, 4);
    for (const [index, digest] of ['a', 'b', 'c', 'd'].entries()) tombstones.bury(digest, now + index * 10);
    expect(tombstones.cover(['z'], askedAt(now), 0)).toBe(false);
    tombstones.bury('e', now + 40);
    expect(tombstones.cover(['z'], askedAt(now + 15), undefined)).toBe(true);
    expect(tombstones.cover(['z'], askedAt(now + 16), undefined)).toBe(false);
    expect(tombstones.cover(['z'], askedAt(), 1)).toBe(true);
    expect(tombstones.cover(['z'], askedAt(), 2)).toBe(false);
    for (const digest of ['c', 'd', 'e']) expect(tombstones.cover([digest], askedAt(), 2)).toBe(true);
  });

  it('that only renew others push none out', () => {
    const tombstones = createTombstones(lifetime, 4);
    for (const digest of ['a', 'b', 'a', 'b', 'b', 'a']) tombstones.bury(digest, now);
    tombstones.bury('c', now);
    tombstones.bury('d', now);
    expect(tombstones.cover(['z'], askedAt(now), undefined)).toBe(false);
  });

  it('never forget a burial within its lifetime, however many follow', () => {
    const digest = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(digest, fc.nat({ max: 50 })), { maxLength: 40 }),
        digest,
        (burials, mine) => {
          const tombstones = createTombstones(lifetime, 3);
          let time = now;
          let last: { generation: number; time: number } | undefined;
          for (const [buried, seconds] of burials) {
            time += seconds;
            tombstones.bury(buried, time);
            if (buried === mine) last = { generation: tombstones.generation, time };
          }
          if (last === undefined || time >= last.time + lifetime) return;
          expect(tombstones.cover([mine], askedAt(last.time), undefined)).toBe(true);
          expect(tombstones.cover([mine], askedAt(), last.generation - 1)).toBe(true);
        },
      ),
    );
  });

  it('of everything cover what this process asked for, and what others did where that is meant', () => {
    const tombstones = createTombstones(lifetime);
    tombstones.buryAll(now, false);
    expect(tombstones.cover([], askedAt(now), 0)).toBe(true);
    expect(tombstones.cover([], askedAt(now), tombstones.generation)).toBe(false);
    expect(tombstones.cover([], askedAt(now), undefined)).toBe(false);
    expect(tombstones.cover([], askedAt(), undefined)).toBe(false);
    tombstones.buryAll(now, true);
    expect(tombstones.cover([], askedAt(now), undefined)).toBe(true);
    expect(tombstones.cover([], askedAt(now + 6), undefined)).toBe(false);
    tombstones.buryAll(now + 100, false);
    expect(tombstones.cover([], askedAt(now + 6), undefined)).toBe(false);
  });
});
