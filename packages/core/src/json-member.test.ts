import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonMember } from './json-member.js';

describe('jsonMember', () => {
  it('finds each member of every object, however it is spaced', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 2, '\t\r\n'),
        (object, space) => {
          const text = JSON.stringify(object, undefined, space);
          for (const [name, value] of Object.entries(object))
            expect(JSON.stringify(JSON.parse(jsonMember(text, name) ?? ''))).toBe(JSON.stringify(value));
        },
      ),
    );
  });

  it.each<[string, string | undefined]>([
    ['{"b":{"a":1}}', undefined],
    ['{"b":["a",{"a":2}],"c":"a"}', undefined],
    ['{"b":"a","a":3}', '3'],
    ['{"b":"\\"a\\":1","a":3}', '3'],
    ['{"\\u0061":4}', '4'],
    ['{"a":{"a":5,"a":6},"c":7}', '{"a":5,"a":6}'],
    ['{}', undefined],
  ])('takes only the top level of %s', (text, expected) => expect(jsonMember(text, 'a')).toBe(expected));
});
