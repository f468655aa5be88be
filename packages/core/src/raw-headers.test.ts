import { describe, expect, it } from 'vitest';
import { createAccessToken } from './access-token.js';
import { readFields, replaceAuthorization } from './raw-headers.js';

describe('readFields', () => {
  it.each([
    [[], undefined],
    [['Host', 'Authorization'], undefined],
    [['Host', 'a', 'aUTHORIZATION', 'Bearer t'], 'Bearer t'],
    [['Proxy-Authorization', 'x', 'Authorization', ''], ''],
    [
      ['Authorization', 'a', 'Host', 'h', 'authorization', 'b'],
      ['a', 'b'],
    ],
    [
      ['Authorization', 'a', 'authorization', 'a', 'AUTHORIZATION', 'c'],
      ['a', 'a', 'c'],
    ],
    [['Authorization'], ''],
  ])('finds in %j: %j', (rawHeaders, expected) =>
    expect(readFields(rawHeaders, 'authorization')).toEqual(expected),
  );
});

describe('replaceAuthorization', () => {
  it('leaves the presented token nowhere', () => {
    const message = {
      rawHeaders: ['Host', 'h', 'AUTHORIZATION', 'Bearer t'],
      headers: { host: 'h', authorization: 'Bearer t' },
    };
    replaceAuthorization(message, createAccessToken('a.b.c', {}, 0, 'memory'));
    expect(message).toEqual({
      rawHeaders: ['Host', 'h', 'AUTHORIZATION', 'Bearer a.b.c'],
      headers: { host: 'h', authorization: 'Bearer a.b.c' },
    });
  });
});
