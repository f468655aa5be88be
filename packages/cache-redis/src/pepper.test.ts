import { describe, expect, it } from 'vitest';
import { readPeppers } from './pepper.js';

const secret = 'x'.repeat(32);
const one = { id: 'a', secret };
const other = { id: 'b', secret: 'y'.repeat(32) };

describe('a pepper', () => {
  it('is a string, for its UTF-8 bytes, or bytes', () => {
    expect(readPeppers(one)).toEqual([{ id: 'a', secret: Buffer.from(secret) }]);
    expect(readPeppers({ id: 'a', secret: 'é'.repeat(16) })[0].secret).toHaveLength(32);
    const bytes = new Uint8Array(32).fill(7);
    expect(readPeppers({ id: 'a', secret: bytes })[0].secret).toEqual(Buffer.alloc(32, 7));
  });

  it('stays what it was when its owner overwrites his bytes', () => {
    const bytes = new Uint8Array(32).fill(7);
    const [held] = readPeppers({ id: 'a', secret: bytes });
    bytes.fill(0);
    expect(held.secret).toEqual(Buffer.alloc(32, 7));
  });

  it('is one, or two of which the first comes first', () => {
    expect(readPeppers([one])).toHaveLength(1);
    expect(readPeppers([other, one]).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('that is left out is one that everybody knows, and nobody can name', () => {
    const [standIn, ...others] = readPeppers(undefined);
    expect([standIn.id, others]).toEqual(['none', []]);
    expect(() => readPeppers({ id: standIn.id, secret })).toThrow(/pepper\.id must not be "none"/);
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /\{ id, secret \}/],
    ['a string', secret, /\{ id, secret \}.*openssl/],
    ['a list of none', [], /one pepper, or a list of two/],
    ['a list of three', [one, other, { id: 'c', secret }], /one pepper, or a list of two/],
    ['two with one secret', [one, { ...one, id: 'other' }], /two different secrets/],
    ['two with one id', [one, one], /two different ids/],
    ['a list with nothing in it', [undefined], /\{ id, secret \}/],
    ['without an id', { secret }, /pepper\.id/],
    ['with an empty id', { id: '', secret }, /pepper\.id/],
    ['with a long id', { id: 'i'.repeat(33), secret }, /pepper\.id/],
    ['with an odd id', { id: 'a b', secret }, /pepper\.id/],
    ['with an id beyond ASCII', { id: 'é', secret }, /pepper\.id/],
    ['with a number for an id', { id: 1, secret }, /pepper\.id/],
    ['without a secret', { id: 'a' }, /pepper\.secret.*openssl/],
    ['with a short secret', { id: 'a', secret: secret.slice(1) }, /32 bytes or more/],
    ['with few bytes', { id: 'a', secret: new Uint8Array(31) }, /32 bytes or more/],
    ['with a function', { id: 'a', secret: () => secret }, /pepper\.secret/],
    ['with a member too many', { id: 'a', secret, secrets: [] }, /unknown member "secrets"/],
  ])('is refused as %s', (_what, option, message) => {
    expect(() => readPeppers(option)).toThrow(TypeError);
    expect(() => readPeppers(option)).toThrow(message);
  });

  it('shows in no message', () => {
    const short = 'short-and-secret';
    expect(() => readPeppers({ id: 'a', secret: short })).not.toThrow(short);
  });
});
