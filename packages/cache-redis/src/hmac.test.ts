import * as nodeCrypto from 'node:crypto';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHmacOf } from './hmac.js';

const { hash: _hash, ...withoutHash } = nodeCrypto;

describe.each([
  ['made of crypto.hash', createHmacOf(nodeCrypto)],
  ['where there is no crypto.hash', createHmacOf(withoutHash as typeof nodeCrypto)],
])('the HMAC %s', (_name, hmac) => {
  // RFC 4231, section 4
  it.each([
    [
      '1',
      '0b'.repeat(20),
      '4869205468657265',
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '2',
      '4a656665',
      '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '3',
      'aa'.repeat(20),
      'dd'.repeat(50),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      '6, whose key is longer than a block',
      'aa'.repeat(131),
      Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First').toString('hex'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('answers test case %s of RFC 4231', (_which, key, message, expected) => {
    const digest = hmac(Buffer.from(key, 'hex'), 'binary', Buffer.from(message, 'hex'));
    expect(Buffer.from(digest, 'binary').toString('hex')).toBe(expected);
  });

  it('is what createHmac says, for keys and messages of any length, in any parts', () => {
    const lengths = [0, 1, 31, 32, 63, 64, 65, 127, 191, 192, 193, 255, 256, 257, 1000];
    for (const keyLength of lengths)
      for (const length of lengths) {
        const key = randomBytes(keyLength);
        const message = randomBytes(length);
        const at = Math.floor(Math.random() * (length + 1));
        const expected = createHmac('sha256', key).update(message).digest('base64url');
        const what = `a key of ${keyLength} and a message of ${length} bytes, in two at ${at}`;
        expect(hmac(key, 'base64url', message), what).toBe(expected);
        expect(hmac(key, 'base64url', message.subarray(0, at), message.subarray(at)), what).toBe(expected);
      }
  });
});
