import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBearer, parseBearerOrDpop, schemeOf, withoutStrings } from './bearer.js';
import { BearerError } from './errors.js';

type Authorization = string | readonly string[] | undefined;
const parse = (authorization: Authorization, url = '/') => parseBearer({ url, authorization }).token;
const refusal = (code: string) => expect.objectContaining({ code });

const b64token = fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,200}={0,2}$/);

describe('a bearer parser', () => {
  it('returns the token byte for byte, whatever its legal characters', () => {
    fc.assert(fc.property(b64token, (token) => parse(`Bearer ${token}`) === token));
  });

  it.each([
    'bearer tok',
    'BEARER tok',
    'BeArEr tok',
    'Bearer  tok',
    'Bearer    tok',
    ' Bearer tok',
    'Bearer tok ',
    '\tBearer tok \t',
  ])('accepts %j', (field) => expect(parse(field)).toBe('tok'));

  it('accepts a list of one field', () => expect(parse(['Bearer tok'])).toBe('tok'));

  it.each([
    undefined,
    '',
    ' ',
    'Basic dXNlcjpw',
    'Basic Bearer x',
    'DPoP tok',
    'DPoP',
    'DPoP a b',
    'Bearerx',
    'Bearer-tok x',
    'Digest username="a, b c", realm="r", nonce="n"',
    'Digest username="a, b c" , realm = r,nonce="n\\", Bearer x"',
    'AWS4-HMAC-SHA256 Credential=a/b/aws4_request, SignedHeaders=host;range, Signature=f=',
    'Negotiate YII=',
    'Negotiate',
    'é',
    '"Bearer x"',
  ])('sees no bearer token in %j', (field) => expect(() => parse(field)).toThrow(refusal('ERR_NO_TOKEN')));

  it('sees no bearer token in an empty list', () => expect(() => parse([])).toThrow(refusal('ERR_NO_TOKEN')));

  it.each([
    ['Bearer a', 'Bearer a'],
    ['Bearer a', 'Basic b'],
    ['', ''],
  ])('refuses the fields %j and %j together', (...fields) =>
    expect(() => parse(fields)).toThrow(refusal('ERR_MULTIPLE_TOKENS')),
  );

  it.each([
    'Basic a, Bearer b',
    'Basic a,Basic b',
    'Digest a="x", Bearer b',
    ', Bearer b',
    'Bearer a, Bearer b',
    'Bearer a, Basic b',
    'Basic a, Negotiate',
    'Negotiate, Negotiate',
    'Basic a, ',
    ', Basic a',
    'Basic a=, Basic b=',
    'Basic a, b=c',
    'Digest a="x", Negotiate',
    'Digest a="x, Basic b',
    'Digest a=x,',
  ])('refuses two fields that Fetch joined: %j', (field) =>
    expect(() => parse(field)).toThrow(expect.objectContaining({ status: 400 })),
  );

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer\ttok',
    'Bearer a b',
    'Bearer a%20b',
    'Bearer é',
    'Bearer =',
    'Bearer a=b',
    'Bearer,a',
    'Bearer "a"',
    'Bearer a\nb',
  ])('refuses %j as malformed', (field) =>
    expect(() => parse(field)).toThrow(refusal('ERR_MALFORMED_TOKEN')),
  );

  it('refuses every token with a character outside of the grammar', () => {
    const illegal = fc
      .string({ minLength: 1, maxLength: 1, unit: 'binary' })
      .filter((it) => !/[A-Za-z0-9\-._~+/=, ]/.test(it));
    fc.assert(
      fc.property(b64token, illegal, b64token, (before, character, after) => {
        expect(() => parse(`Bearer ${before}${character}${after}`)).toThrow(refusal('ERR_MALFORMED_TOKEN'));
      }),
    );
  });

  it.each([
    ['spaces', `Bearer a${' '.repeat(1_000_000)}b`],
    ['tabs', `Basic a${'\t'.repeat(1_000_000)}b`],
    ['spaces around', `${' '.repeat(500_000)}Bearer a b${' '.repeat(500_000)}`],
    ['spaces alone', ' '.repeat(1_000_000)],
    ['strings that never end', `Basic ${'"\\'.repeat(500_000)}`],
    ['quotes', '"'.repeat(999_999)],
    ['commas', `Basic ${', '.repeat(500_000)}`],
    ['parameters', `Basic ${'a=b,'.repeat(250_000)}`],
    ['parameters with spaces', `Basic a=b${' ,\ta = b'.repeat(125_000)} c`],
    ['spaces after commas', `Basic a${`,a${' '.repeat(1000)}=`.repeat(1000)}`],
    ['padding', `Bearer a${'='.repeat(1_000_000)}!`],
    ['token characters', `Bearer ${'a'.repeat(1_000_000)}!`],
  ])('reads a field with a million %s to its end once', (_, field) => {
    // were it read from every place anew, this would take minutes
    expect(() => parse(field)).toThrow(BearerError);
    expect(schemeOf({ authorization: field })).toBe('Bearer');
  });

  it('sees the quoted strings that a pattern with a closing quote sees', () => {
    const text = fc.string({ unit: fc.constantFrom('"', '\\', 'a', ',', ' ', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, (field) => {
        expect(withoutStrings(field)).toBe(field.replace(/"(?:[^"\\]|\\.)*"/g, '""'));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['/?access_token=x', '/?a=b&access%5Ftoken=x', 'http://api.test/p?access_token'])(
    'refuses a second token in the query of %s',
    (url) => expect(() => parse('Bearer tok', url)).toThrow(refusal('ERR_MULTIPLE_TOKENS')),
  );

  it('leaves other queries alone', () =>
    expect(parse('Bearer tok', '/?not_access_token=x&q=access_token')).toBe('tok'));

  it('does not take a token from the query', () =>
    expect(() => parse(undefined, '/?access_token=x')).toThrow(refusal('ERR_NO_TOKEN')));
});

describe('a parser that takes DPoP too', () => {
  const parse = (authorization: Authorization, url = '/') => parseBearerOrDpop({ url, authorization });

  it.each([
    ['DPoP tok', 'DPoP'],
    ['dpop tok', 'DPoP'],
    ['DPOP   tok', 'DPoP'],
    ['\tdPoP tok ', 'DPoP'],
    ['Bearer tok', 'Bearer'],
    ['bearer tok', 'Bearer'],
    [' BEARER tok', 'Bearer'],
  ])('tells the scheme of %j', (field, scheme) => expect(parse(field)).toEqual({ scheme, token: 'tok' }));

  it('returns the token of either scheme byte for byte, whatever its legal characters', () => {
    fc.assert(
      fc.property(fc.constantFrom('Bearer', 'DPoP'), b64token, (scheme, token) => {
        expect(parse(`${scheme} ${token}`)).toEqual({ scheme, token });
      }),
    );
  });

  it('gives the same frozen object for the same field', () => {
    expect(parse('DPoP again')).toBe(parse('DPoP again'));
    expect(Object.isFrozen(parse('DPoP again'))).toBe(true);
    expect(parse('Bearer again')).not.toBe(parse('DPoP again'));
  });

  it.each(['DPoP', 'DPoP ', 'DPoP\ttok', 'DPoP a b', 'DPoP a=b', 'DPoP "a"', 'DPoP,a', 'DPoP é', 'dpop ='])(
    'refuses %j as malformed',
    (field) => expect(() => parse(field)).toThrow(refusal('ERR_MALFORMED_TOKEN')),
  );

  it.each([undefined, '', 'DPoPx tok', 'DPoP-tok x', 'Basic DPoP x', 'Basic dXNlcjpw'])(
    'sees no token in %j',
    (field) => expect(() => parse(field)).toThrow(refusal('ERR_NO_TOKEN')),
  );

  it('refuses a bearer token and a DPoP token together', () => {
    expect(() => parse(['Bearer a', 'DPoP a'])).toThrow(refusal('ERR_MULTIPLE_TOKENS'));
    expect(() => parse('Bearer a, DPoP a')).toThrow(refusal('ERR_MULTIPLE_TOKENS'));
    expect(() => parse('DPoP a, Bearer a')).toThrow(refusal('ERR_MULTIPLE_TOKENS'));
    expect(() => parse('DPoP a', '/?access_token=a')).toThrow(refusal('ERR_MULTIPLE_TOKENS'));
  });
});

describe('the scheme that a refusal speaks of', () => {
  it.each<[Authorization, string]>([
    ['DPoP tok', 'DPoP'],
    ['dpop', 'DPoP'],
    [' \tDPoP a b', 'DPoP'],
    [['DPoP a', 'Bearer b'], 'DPoP'],
    ['DPoPx tok', 'Bearer'],
    ['DPoP-tok', 'Bearer'],
    ['Bearer DPoP', 'Bearer'],
    [['Bearer a', 'DPoP b'], 'Bearer'],
    ['Basic x', 'Bearer'],
    ['', 'Bearer'],
    [[], 'Bearer'],
    [undefined, 'Bearer'],
  ])('of %j is %s', (authorization, scheme) => expect(schemeOf({ authorization })).toBe(scheme));
});
