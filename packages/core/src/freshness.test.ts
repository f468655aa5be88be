import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshUntil, parseCacheControl } from './freshness.js';

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
  ])('reads %j with Age %j', (cacheControl, age, expected) =>
    expect(parseCacheControl(headers(cacheControl, age))).toEqual(expected),
  );
});

const options = { maxTtlSeconds: 300, earlyExpirySeconds: 10, noExpiryTtlSeconds: 0, obeyCacheControl: true };
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
