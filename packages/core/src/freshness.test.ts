import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CacheEntry } from './cache.js';
import { freshUntil, mayStandIn, parseCacheControl, staleUntil } from './freshness.js';

const headers = (cacheControl?: string, age?: string) =>
  new Headers({
    ...(cacheControl === undefined ? {} : { 'Cache-Control': cacheControl }),
    ...(age === undefined ? {} : { Age: age }),
  });

describe('parseCacheControl', () => {
  it.each([
    [undefined, undefined, { forbidden: false, maxAgeSeconds: undefined }],
    ['max-age=30', undefined, { forbidden: false, maxAgeSeconds: 30 }],
    ['Max-Age="30"', undefined, { forbidden: false, maxAgeSeconds: 30 }],
    ['private, max-age=30, max-age=20', undefined, { forbidden: false, maxAgeSeconds: 20 }],
    ['max-age=30', '10', { forbidden: false, maxAgeSeconds: 20 }],
    ['max-age=30', '50', { forbidden: false, maxAgeSeconds: 0 }],
    ['max-age=30', 'soon', { forbidden: false, maxAgeSeconds: 30 }],
    ['no-store', undefined, { forbidden: true, maxAgeSeconds: undefined }],
    ['No-Cache', undefined, { forbidden: true, maxAgeSeconds: undefined }],
    ['max-age=0', undefined, { forbidden: true, maxAgeSeconds: 0 }],
    ['no-store, max-age=oops', undefined, { forbidden: true, maxAgeSeconds: undefined }],
    ['no-cache="Set-Cookie", max-age=9', undefined, { forbidden: false, maxAgeSeconds: 9 }],
    ['max-age', undefined, { forbidden: false, maxAgeSeconds: undefined }],
    ['max-age=-5', undefined, { forbidden: false, maxAgeSeconds: undefined }],
    ['max-age=1.5; x', undefined, { forbidden: false, maxAgeSeconds: undefined }],
    ['no-store-ever', undefined, { forbidden: false, maxAgeSeconds: undefined }],
    ['Must-Revalidate', undefined, { forbidden: false, maxStaleSeconds: 0 }],
    ['max-age=30, proxy-revalidate', undefined, { forbidden: false, maxAgeSeconds: 30, maxStaleSeconds: 0 }],
    ['stale-if-error=60', undefined, { forbidden: false, maxStaleSeconds: 60 }],
    ['stale-if-error=60, stale-if-error=20', undefined, { forbidden: false, maxStaleSeconds: 20 }],
    ['must-revalidate, stale-if-error=60', undefined, { forbidden: false, maxStaleSeconds: 0 }],
    ['stale-if-error=60, must-revalidate', undefined, { forbidden: false, maxStaleSeconds: 0 }],
    ['stale-if-error', undefined, { forbidden: false, maxStaleSeconds: undefined }],
    ['stale-if-error=soon', undefined, { forbidden: false, maxStaleSeconds: undefined }],
  ])('reads %j with Age %j', (cacheControl, age, expected) =>
    expect(parseCacheControl(headers(cacheControl, age))).toEqual(expected),
  );
});

const options = {
  maxTtlSeconds: 300,
  earlyExpirySeconds: 10,
  noExpiryTtlSeconds: 0,
  obeyCacheControl: true,
  staleIfErrorSeconds: 0,
};
const silent = { forbidden: false, maxAgeSeconds: undefined };
const now = 1000;

describe('freshUntil', () => {
  it.each([
    ['the longest time configured', 9999, silent, {}, 1300],
    ['the token’s end, less the margin', 1200, silent, {}, 1190],
    ['max-age', 9999, { forbidden: false, maxAgeSeconds: 30 }, {}, 1030],
    [
      'the longest time configured although max-age is longer',
      9999,
      { forbidden: false, maxAgeSeconds: 3000 },
      {},
      1300,
    ],
    ['not at all when reuse is forbidden', 9999, { forbidden: true, maxAgeSeconds: undefined }, {}, 1000],
    [
      'the longest time configured when a prohibition is not obeyed',
      9999,
      { forbidden: true, maxAgeSeconds: 0 },
      { obeyCacheControl: false },
      1300,
    ],
    ['not at all without exp and max-age', undefined, silent, {}, 1000],
    ['noExpiryTtlSeconds without exp and max-age', undefined, silent, { noExpiryTtlSeconds: 60 }, 1060],
    [
      'noExpiryTtlSeconds without exp when max-age is not obeyed',
      undefined,
      { forbidden: false, maxAgeSeconds: 90 },
      { noExpiryTtlSeconds: 60, obeyCacheControl: false },
      1060,
    ],
    ['max-age without exp', undefined, { forbidden: false, maxAgeSeconds: 90 }, {}, 1090],
  ])('allows %s', (_title, exp, control, overrides, expected) =>
    expect(freshUntil(now, exp, control, { ...options, ...overrides })).toBe(expected),
  );

  it('never outlives any of its bounds', () => {
    const natural = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(
        natural,
        natural,
        natural,
        natural,
        (exp, maxAgeSeconds, maxTtlSeconds, earlyExpirySeconds) => {
          const until = freshUntil(
            now,
            exp,
            { forbidden: false, maxAgeSeconds },
            { ...options, maxTtlSeconds, earlyExpirySeconds },
          );
          expect(until).toBe(Math.min(now + maxTtlSeconds, now + maxAgeSeconds, exp - earlyExpirySeconds));
        },
      ),
    );
  });
});

describe('staleUntil', () => {
  const sixty = { staleIfErrorSeconds: 60 };

  it.each<[string, number | undefined, number | undefined, object, number]>([
    ['no longer than it is fresh, by default', 9999, undefined, {}, 1300],
    ['as long as configured', 9999, undefined, sixty, 1360],
    ['as long as configured without exp', undefined, undefined, sixty, 1360],
    ['until the token ends', 1340, undefined, sixty, 1340],
    ['not where the server forbids it', 9999, 0, sixty, 1300],
    ['as long as the server allows', 9999, 20, sixty, 1320],
    ['as long as configured although the server allows more', 9999, 9000, sixty, 1360],
    [
      'as long as configured where the server is not obeyed',
      9999,
      0,
      { ...sixty, obeyCacheControl: false },
      1360,
    ],
  ])('lets an answer stand in %s', (_title, exp, maxStaleSeconds, overrides, expected) =>
    expect(staleUntil(1300, exp, { maxStaleSeconds }, { ...options, ...overrides })).toBe(expected),
  );

  it.each<[string, Partial<CacheEntry>, number, boolean]>([
    ['until then', {}, 1359, true],
    ['not from then on', {}, 1360, false],
    ['not where it does not say until when', { staleUntil: undefined as never }, 1301, false],
    ['not when it says less', { staleUntil: 1310 }, 1310, false],
    ['not longer when it says more', { staleUntil: 9e9 }, 1360, false],
    ['not when what it says is no date', { staleUntil: 'for ever' as never }, 1301, false],
    ['not when it is inactive', { result: { active: false } }, 1301, false],
    [
      'not past the end of the token',
      { result: { active: true, jwt: 'j', claims: { exp: 1330 } }, staleUntil: 9e9 },
      1330,
      false,
    ],
  ])('decides of an entry: %s', (_title, change, at, expected) => {
    const entry: CacheEntry = {
      result: { active: true, jwt: 'j', claims: { exp: 9999 } },
      expiresAt: 1300,
      staleUntil: 1360,
      ...change,
    };
    expect(mayStandIn(entry, at, { ...options, ...sixty })).toBe(expected);
  });

  it('lets nothing stand in where that is off, whatever the entry says', () => {
    const entry: CacheEntry = {
      result: { active: true, jwt: 'j', claims: {} },
      expiresAt: 1300,
      staleUntil: 1360,
    };
    expect(mayStandIn(entry, 1300, options)).toBe(false);
  });
});
