import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.js';

const now = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT') / 1000;

describe('parseRetryAfter', () => {
  it.each([
    ['7', 7],
    [' 7 ', 7],
    ['0', 1],
    ['1000000000000', 60],
    ['-5', 1],
    ['1.5', 1],
    ['soon', 1],
    ['', 1],
    [null, 1],
    ['Sun, 06 Nov 1994 08:50:07 GMT', 30],
    ['Sunday, 06-Nov-94 08:50:07 GMT', 30],
    ['Sun, 06 Nov 1994 07:50:07 GMT', 1],
    ['Sun, 06 Nov 2094 08:50:07 GMT', 60],
    ['Sun, 99 Nov 1994 08:50:07 GMT', 1],
  ])('reads %j as %i seconds', (value, expected) => expect(parseRetryAfter(value, now)).toBe(expected));
});
