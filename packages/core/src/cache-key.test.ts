import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCacheKey, sha256, webSha256 } from './cache-key.js';

describe('sha256', () => {
  it('is synchronous where the runtime has a synchronous hash', () =>
    expect(sha256('abc')).toBeTypeOf('string'));

  it('is the digest of the UTF-8 bytes, with WebCrypto as without', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const expected = createHash('sha256').update(text).digest('base64url');
        expect(await sha256(text)).toBe(expected);
        expect(await webSha256(text)).toBe(expected);
      }),
    );
  });
});

describe('createCacheKey', () => {
  it('gives one token in one context one key, synchronously', () => {
    const key = createCacheKey(['a'])('token');
    expect(key).toBe(createCacheKey(['a'])('token'));
    expect(key).toMatch(/^[\w-]{43}$/);
  });

  it('gives different contexts or tokens different keys, however their parts are cut', () => {
    const parts = fc.tuple(fc.array(fc.string(), { maxLength: 4 }), fc.string());
    fc.assert(
      fc.property(parts, parts, ([context, token], [otherContext, otherToken]) => {
        const equal = JSON.stringify([context, token]) === JSON.stringify([otherContext, otherToken]);
        expect(createCacheKey(context)(token) === createCacheKey(otherContext)(otherToken)).toBe(equal);
      }),
    );
    expect(createCacheKey(['ab', 'c'])('t')).not.toBe(createCacheKey(['a', 'bc'])('t'));
    expect(createCacheKey(['a'])('1:b')).not.toBe(createCacheKey(['a', '1:'])('b'));
  });

  it('gives the same keys where hashing is asynchronous', async () => {
    expect(await createCacheKey(['a'], webSha256)('token')).toBe(createCacheKey(['a'])('token'));
  });
});
