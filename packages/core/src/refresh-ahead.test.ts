import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CacheEntry, Claims } from './cache.js';
import { refreshAgainFrom, refreshFrom } from './refresh-ahead.js';

const entry = (change: Partial<CacheEntry> = {}, claims: Claims = { exp: 9999 }): CacheEntry => ({
  result: { active: true, jwt: 'j', claims },
  storedAt: 1000,
  expiresAt: 1300,
  ...change,
});
const options = { refreshAhead: 0.2, earlyExpirySeconds: 10 };

describe('the moment of a refresh', () => {
  it.each([
    [0, 1300],
    [0.5, 1270],
    [1, 1240],
  ])('is drawn from the last share of the time: %d', (random, expected) =>
    expect(refreshFrom(entry(), options, () => random)).toBe(expected),
  );

  it('is within the time of the entry, whatever is drawn', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.9, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        (refreshAhead, random, seconds) => {
          const made = entry({ expiresAt: 1000 + seconds }, {});
          const moment = refreshFrom(made, { ...options, refreshAhead }, () => random);
          expect(moment).toBeLessThanOrEqual(1000 + seconds);
          expect(moment).toBeGreaterThanOrEqual(1000 + seconds * (1 - refreshAhead) - 1e-6);
        },
      ),
    );
  });

  it.each<[string, CacheEntry, object]>([
    ['is off', entry(), { refreshAhead: 0 }],
    ['is of an inactive token', entry({ result: { active: false } }), {}],
    ['ends with the token itself', entry({}, { exp: 1310 }), {}],
    ['ends after the token would', entry({}, { exp: 1300 }), {}],
  ])('never comes for an entry that %s', (_title, it, change) =>
    expect(refreshFrom(it, { ...options, ...change }, () => 1)).toBe(Number.POSITIVE_INFINITY),
  );

  it('never comes for an entry whose date was lost', () => {
    const { storedAt: _, ...lost } = entry();
    expect(refreshFrom(lost, options, () => 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('comes for an entry that the token outlives, or that has no end', () => {
    expect(refreshFrom(entry({}, { exp: 1311 }), options, () => 1)).toBe(1240);
    expect(refreshFrom(entry({}, {}), options, () => 1)).toBe(1240);
  });

  it('draws anew each time, by itself', () =>
    expect(new Set(Array.from({ length: 20 }, () => refreshFrom(entry(), options))).size).toBeGreaterThan(1));

  it.each([
    [1300, 1200, 1250],
    [1300, 1299, 1300],
    [1300, 1299.9, 1300.9],
  ])('comes again for %d at %d: after half the time left, but not before a second', (end, now, expected) =>
    expect(refreshAgainFrom(end, now)).toBe(expected),
  );
});
