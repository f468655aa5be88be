import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claims } from './cache.js';
import { createClaimHeaders } from './claim-headers.js';

/** The one field that is made of one claim. */
const field = (value: unknown) => createClaimHeaders({ 'X-Claim': 'c' }).build({ c: value })[0]?.[1];

describe('build', () => {
  it('makes the configured fields, in their order and spelling, of the claims that are there', () => {
    const headers = createClaimHeaders({
      'X-User': 'sub',
      'x-Scope': 'scope',
      'X-Age': 'https://example.com/age',
    });
    expect(
      headers.build({ scope: 'read write', sub: 'alice', iss: 'i', 'https://example.com/age': 7 }),
    ).toEqual([
      ['X-User', 'alice'],
      ['x-Scope', 'read write'],
      ['X-Age', '7'],
    ]);
    expect(headers.build({ sub: 'alice' })).toEqual([['X-User', 'alice']]);
    expect(createClaimHeaders({}).build({ sub: 'alice' })).toEqual([]);
  });

  it('makes several fields of one claim', () => {
    expect(createClaimHeaders({ 'X-User': 'sub', 'X-Subject': 'sub' }).build({ sub: 'a' })).toEqual([
      ['X-User', 'a'],
      ['X-Subject', 'a'],
    ]);
  });

  it.each<[string, unknown, string | undefined]>([
    ['printable ASCII', `!"#$&'()*+,-./09:;<=>?@AZ[\\]^_\`az{|}~`, `!"#$&'()*+,-./09:;<=>?@AZ[\\]^_\`az{|}~`],
    ['spaces inside', 'a  b', 'a  b'],
    ['spaces at both ends', '  a  ', '%20 a %20'],
    ['a single space', ' ', '%20'],
    ['a percent sign', '100%', '100%25'],
    ['what looks encoded', '%0D%0A', '%250D%250A'],
    ['CR and LF', 'a\r\nX-Admin: true', 'a%0D%0AX-Admin: true'],
    ['NUL, tab and DEL', '\0\t\x7f', '%00%09%7F'],
    ['letters beyond ASCII', 'José 🙂', 'Jos%C3%A9 %F0%9F%99%82'],
    ['a C1 control', '\u0085', '%C2%85'],
    ['a byte order mark', '\ufeffa', '%EF%BB%BFa'],
    ['a lone surrogate', 'a\ud800b', 'a%EF%BF%BDb'],
    ['surrogates the wrong way round', '\udc00\ud800', '%EF%BF%BD%EF%BF%BD'],
    ['nothing', '', ''],
    ['a number', 1.5, '1.5'],
    ['zero', 0, '0'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['null', null, undefined],
    ['an absent claim', undefined, undefined],
    ['a list', ['a', 1, true], 'a 1 true'],
    ['a list of one', ['a'], 'a'],
    ['an empty list', [], ''],
    ['a list with spaces in it', ['a b', ' c', '%'], 'a%20b %20c %25'],
    ['a list with CR and LF in it', ['a\r\n', 'b'], 'a%0D%0A b'],
    ['a list with an empty string in it', ['', 'a'], '["","a"]'],
    ['a list with null in it', [null, 'a'], '[null,"a"]'],
    ['a list of lists', [['a'], ['b']], '[["a"],["b"]]'],
    ['an object', { a: 'é', b: ['\n', '%'] }, '{"a":"%C3%A9","b":["\\n","%25"]}'],
    ['an empty object', {}, '{}'],
  ])('writes %s', (_title, value, expected) => expect(field(value)).toBe(expected));

  const sendable = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(' ', '%', '\r', '\n', 'a', '\ud800', '\udc00', '\u2028', '\0') }),
  );

  it('writes any string so that it fits into a field, and can be read back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const value = field(text) ?? '';
        expect(value).toMatch(sendable);
        expect(decodeURIComponent(value)).toBe(text.toWellFormed());
      }),
    );
  });

  it('writes any list so that it fits into a field, and every member can be read back', () => {
    const members = fc.oneof(
      texts.filter((text) => text !== ''),
      fc.integer(),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(members, { minLength: 1 }), (list) => {
        const value = field(list) ?? '';
        expect(value).toMatch(sendable);
        expect(value.split(' ').map(decodeURIComponent)).toEqual(
          list.map((member) => String(member).toWellFormed()),
        );
      }),
    );
  });

  it('writes any other value as JSON that fits into a field, and can be read back', () => {
    fc.assert(
      fc.property(fc.dictionary(texts, fc.jsonValue()), (object) => {
        const value = field(object) ?? '';
        expect(value).toMatch(sendable);
        expect(JSON.parse(decodeURIComponent(value))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });

  it('takes a long run of spaces without delay', () => {
    const text = `a${' '.repeat(200_000)}b`;
    // the clock runs on while a machine stands still: the best of a few attempts is what it takes
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 10 && least >= 500; attempt++) {
      const before = performance.now();
      expect(field(text)).toBe(text);
      least = Math.min(least, performance.now() - before);
    }
    expect(least).toBeLessThan(500);
  });

  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'sees no claim in %s, which every object has',
    (claim) => {
      const headers = createClaimHeaders({ 'X-Claim': claim });
      expect(headers.build({})).toEqual([]);
      expect(headers.build(JSON.parse(`{"${claim}":"own"}`))).toEqual([['X-Claim', 'own']]);
    },
  );

  it('gives the same fields for the same claims without making them anew, and others for others', () => {
    const headers = createClaimHeaders({ 'X-User': 'sub' });
    const claims: Claims = Object.freeze({ sub: 'alice' });
    const made = headers.build(claims);
    expect(headers.build(claims)).toBe(made);
    expect(Object.isFrozen(made) && made.every(Object.isFrozen)).toBe(true);
    expect(headers.build({ sub: 'bob' })).toEqual([['X-User', 'bob']]);
    expect(createClaimHeaders({ 'X-Other': 'sub' }).build(claims)).toEqual([['X-Other', 'alice']]);
  });
});

describe('isReserved', () => {
  const { isReserved, reserved } = createClaimHeaders({ 'X-User.Name': 'sub', x_roles: 'roles' });

  it.each([
    'X-User.Name',
    'x-user-name',
    'X_USER_NAME',
    'x.user.name',
    'X-User_Name',
    'X-ROLES',
    'x_roles',
    'x.roles',
  ])('knows %s', (name) => {
    expect(isReserved(name)).toBe(true);
    expect(isReserved(name)).toBe(true);
  });

  it.each([
    '',
    'x',
    'X-User',
    'X-User-Names',
    'XX-User-Name',
    'X-UserXName',
    'X+User-Name',
    'x~roles',
    'x--roles',
    'Authorization',
    'x-role\u0455',
  ])('leaves %j alone', (name) => {
    expect(isReserved(name)).toBe(false);
    expect(isReserved(name)).toBe(false);
  });

  it('knows every spelling', () => {
    const spelling = fc
      .tuple(
        ...[...'x-user-name'].map((letter) =>
          letter === '-' ? fc.constantFrom('-', '_', '.') : fc.constantFrom(letter, letter.toUpperCase()),
        ),
      )
      .map((letters) => letters.join(''));
    fc.assert(fc.property(spelling, (name) => isReserved(name)));
  });

  it('lists the names as they were given', () => {
    expect(reserved).toEqual(['X-User.Name', 'x_roles']);
    expect(Object.isFrozen(reserved)).toBe(true);
    expect(createClaimHeaders({}).isReserved('x-roles')).toBe(false);
  });
});

describe('createClaimHeaders', () => {
  it.each([
    ...[
      'Authorization',
      'AUTHORIZATION',
      'DPoP',
      'Cookie',
      'Host',
      'Content-Length',
      'Content_Length',
      'Content.Length',
    ],
    ...[
      'Transfer-Encoding',
      'Transfer_Encoding',
      'Connection',
      'Keep-Alive',
      'TE',
      'Trailer',
      'Upgrade',
      'Expect',
    ],
    ...[
      'HTTP2-Settings',
      'Proxy-Authorization',
      'Proxy-Connection',
      'proxy_anything',
      'Forwarded',
      'X-Forwarded-For',
    ],
    ...['X_Forwarded_User', 'x.forwarded.client.cert', 'Content-Type', 'Content-Encoding'],
  ])('refuses %s, which has a meaning of its own', (name) => {
    expect(() => createClaimHeaders({ [name]: 'sub' })).toThrow(TypeError);
    expect(() => createClaimHeaders({ [name]: 'sub' })).toThrow(name);
  });

  it.each([
    'Authorization-Roles',
    'X-Host',
    'X-Forwarded',
    'Proxy',
    'X-Proxy-User',
    'Hosts',
    "!#$%&'*+.^`|~",
  ])('takes %s', (name) =>
    expect(createClaimHeaders({ [name]: 'sub' }).build({ sub: 'a' })).toEqual([[name, 'a']]),
  );

  it.each([
    '',
    'X User',
    'X-User:',
    'X-Usér',
    'X-User\r\nX-Admin',
    'X/User',
    ':path',
    '"X"',
    'X\tUser',
    'X\0',
  ])('refuses %j, which is no name', (name) =>
    expect(() => createClaimHeaders({ [name]: 'sub' })).toThrow(TypeError),
  );

  it.each([
    ['X-User', 'x-user'],
    ['X-User', 'X_User'],
    ['X.User', 'X_User'],
  ])('refuses %s beside %s', (one, another) => {
    expect(() => createClaimHeaders({ [one]: 'sub', [another]: 'iss' })).toThrow(another);
  });

  it.each([
    null,
    undefined,
    'X-User',
    ['X-User'],
    { 'X-User': '' },
    { 'X-User': 1 },
    { 'X-User': null },
    { 'X-User': ['sub'] },
  ])('refuses %j', (map) => {
    expect(() => createClaimHeaders(map as unknown as Record<string, string>)).toThrow(TypeError);
    expect(() => createClaimHeaders(map as unknown as Record<string, string>)).toThrow('claimHeaders');
  });
});
