import * as nodeCrypto from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Bytes,
  findPrimitives,
  nodePrimitives,
  nonceBytes,
  tagBytes,
  webPrimitives,
} from './sealing-primitives.js';

const hex = (text: string): Bytes => Buffer.from(text, 'hex');
const node = nodePrimitives(nodeCrypto);
const web = webPrimitives(crypto);

describe.each([
  ['of node:crypto', node],
  ['of WebCrypto', web],
])('the primitives %s', (_name, primitives) => {
  it.each([
    [
      'the first',
      '0b'.repeat(22),
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
    ],
    [
      'the third, without salt and info',
      '0b'.repeat(22),
      '',
      '',
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
    ],
  ])('derive as RFC 5869 has it in appendix A: %s', async (_which, input, salt, info, expected) => {
    const derivation = await primitives.derive(hex(input), hex(salt));
    expect((await derivation.bytes(hex(info))).toString('hex')).toBe(expected);
    expect(await derivation.base64url(hex(info))).toBe(hex(expected).toString('base64url'));
  });

  // the GCM specification, test case 16
  const key = hex('feffe9928665731c6d6a8f9467308308'.repeat(2));
  const nonce = hex('cafebabefacedbaddecaf888');
  const context = hex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
  const plain = hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  );
  const sealed = hex(
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
  );
  const value = Buffer.concat([context, nonce, sealed]);
  const nonceAt = context.length;
  const sealedAt = nonceAt + nonceBytes;

  it('encrypt as the specification of GCM has it, and back', async () => {
    expect(await primitives.encrypt(key, nonce, context, '', plain)).toEqual(value);
    expect(await primitives.decrypt(key, value, nonceAt, '')).toEqual(plain);
  });

  it.each(['place', 'é 😀', 'p'.repeat(5000)])(
    'authenticate the place %j as if it stood in the head',
    async (place) => {
      const bytes = Buffer.from(place);
      const [short, long] = [context, Buffer.concat([context, bytes])];
      const here = await primitives.encrypt(key, nonce, short, place, plain);
      const there = await primitives.encrypt(key, nonce, long, '', plain);
      expect(here.subarray(short.length)).toEqual(there.subarray(long.length));
      expect(await primitives.decrypt(key, here, short.length, place)).toEqual(plain);
      expect(await primitives.decrypt(key, here, short.length, `${place}.`)).toBeUndefined();
      expect(await primitives.decrypt(key, here, short.length, place.slice(1))).toBeUndefined();
    },
  );

  it('keep apart what is at work at the same time', async () => {
    const places = ['one', 'two', 'six'];
    const values = await Promise.all(
      places.map((place) => primitives.encrypt(key, nonce, context, place, plain)),
    );
    const opened = await Promise.all(
      values.map((it, index) => primitives.decrypt(key, it, nonceAt, places[index] ?? '')),
    );
    expect(opened).toEqual([plain, plain, plain]);
  });

  it.each<[string, () => readonly [Bytes, Bytes, number, string]]>([
    ['key', () => [flipped(key), value, nonceAt, '']],
    ['head', () => [key, flipped(value), nonceAt, '']],
    ['place', () => [key, value, nonceAt, 'x']],
    ['nonce', () => [key, flipped(value, nonceAt), nonceAt, '']],
    ['ciphertext', () => [key, flipped(value, sealedAt), nonceAt, '']],
    ['tag', () => [key, flipped(value, value.length - 1), nonceAt, '']],
    ['length', () => [key, value.subarray(0, -1), nonceAt, '']],
    ['head’s length', () => [key, value, nonceAt - 1, '']],
    ['tag, which is all there is,', () => [key, hex('00'.repeat(sealedAt + tagBytes)), nonceAt, '']],
  ])('decrypt nothing whose %s is not the same', async (_part, arguments_) => {
    expect(await primitives.decrypt(...arguments_())).toBeUndefined();
  });
});

function flipped(bytes: Bytes, at = 0): Bytes {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe('the primitives that are found', () => {
  it('are synchronous where there is node:crypto', () => {
    const derivation = findPrimitives().derive(hex('00'), hex('00'));
    expect(derivation).not.toBeInstanceOf(Promise);
  });

  it.each([
    ['no process', {}],
    ['a process without built-in modules', { process: {} }],
    ['no such module', { process: { getBuiltinModule: () => undefined } }],
  ])('are those of WebCrypto where there is %s', (_what, runtime) => {
    expect(findPrimitives(runtime).derive(hex('00'), hex('00'))).toBeInstanceOf(Promise);
  });
});
