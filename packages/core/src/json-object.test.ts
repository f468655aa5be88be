import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonObject } from './json-object.js';

describe('parseJsonObject', () => {
  it('reads what JSON.parse reads, for every object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const text = JSON.stringify(object);
        expect(parseJsonObject(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(['', 'null', '[]', '"x"', '1', '{', '{"a":1}x', '<html>'])('refuses %j', (text) =>
    expect(() => parseJsonObject(text)).toThrow(SyntaxError),
  );

  it.each([
    '{"active":false,"active":true}',
    '{"a":{},"b":[1],"a" : 2}',
    '{"active":true,"\\u0061ctive":false}',
  ])('refuses two members of one name: %s', (text) =>
    expect(() => parseJsonObject(text)).toThrow(/two members/),
  );

  it('takes equal names in different objects, and equal strings that are no names', () => {
    const text = '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"c":"a","d":"\\"a\\":"}';
    expect(parseJsonObject(text)).toEqual(JSON.parse(text));
  });

  it('refuses what is nested deeper than 100', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(parseJsonObject(nested(99))).toBeTypeOf('object');
    expect(() => parseJsonObject(nested(100))).toThrow(/deeply/);
    expect(() => parseJsonObject(nested(100_000))).toThrow(SyntaxError);
  });

  it('keeps __proto__ a member like any other', () => {
    const value = parseJsonObject('{"__proto__":{"active":true}}');
    expect(value.active).toBeUndefined();
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
  });

  it('quotes nothing of the text in its messages', () => {
    expect(() => parseJsonObject('{"secret-value" oops')).toThrow(
      expect.objectContaining({ message: 'not JSON' }),
    );
  });
});
