import { describe, expect, it } from 'vitest';
import { unsignedJwt } from '../test/authorization-server.js';
import { type IntrospectionResponseOptions, parseIntrospectionResponse } from './introspection-response.js';

const now = 1_800_000_000;
const defaults: IntrospectionResponseOptions = {
  accept: 'application/jwt',
  jwtMembers: ['phantom_token', 'jwt'],
  badRequestMeansInactive: false,
};

interface Reply {
  status?: number;
  type?: string | null;
  body?: string;
  headers?: Record<string, string>;
}

function parse(
  { status = 200, type = 'application/jwt', body = '', headers = {} }: Reply,
  options: Partial<IntrospectionResponseOptions> = {},
) {
  const all = new Headers({ ...headers, ...(type === null ? {} : { 'Content-Type': type }) });
  return parseIntrospectionResponse({ status, headers: all, body }, { ...defaults, ...options }, now);
}

const jwt = (claims: object, header?: object) => parse({ body: unsignedJwt(claims, header) });
const json = (
  members: unknown,
  options: Partial<IntrospectionResponseOptions> = { accept: 'application/json' },
) => parse({ type: 'application/json', body: JSON.stringify(members) }, options);
const both = (members: object, claims: object) =>
  json({ active: true, ...members, jwt: unsignedJwt(claims) });

const inactive = { active: false };
const unknown = (code: string, more: object = { status: 502 }) =>
  expect.objectContaining({ name: 'IntrospectionError', code, ...more });

describe('a bare JWT', () => {
  it('is ACTIVE', () => {
    const body = unsignedJwt({ sub: 's' });
    expect(parse({ body })).toEqual({ active: true, jwt: body, claims: { sub: 's' } });
  });

  it.each(['Application/JWT', 'application/jwt; charset=utf-8', ' application/jwt ;x=y'])(
    'is taken under the media type %j',
    (type) => expect(parse({ type, body: unsignedJwt() }).active).toBe(true),
  );

  it.each(['\n', '\r\n'])('loses one trailing newline %j, nothing else', (newline) => {
    const body = unsignedJwt();
    expect(parse({ body: body + newline })).toMatchObject({ jwt: body });
    expect(() => parse({ body: body + newline + newline })).toThrow(unknown('ERR_MALFORMED'));
    expect(() => parse({ body: newline + body })).toThrow(unknown('ERR_MALFORMED'));
    expect(() => parse({ body: `${body} ` })).toThrow(unknown('ERR_MALFORMED'));
  });

  it('that says "active": false is INACTIVE', () =>
    expect(jwt({ active: false, sub: 's' })).toEqual(inactive));
  it('that says "active": true is ACTIVE', () => expect(jwt({ active: true }).active).toBe(true));
  it.each(['true', 1, null])('that says "active": %j is UNKNOWN', (active) =>
    expect(() => jwt({ active })).toThrow(unknown('ERR_MALFORMED')),
  );

  it.each([
    '',
    'a',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    'a.b.c.d.e',
    '..',
    `${unsignedJwt()}=`,
    unsignedJwt().replace('.', ' .'),
    '<html></html>',
    'e30.W10.c2ln',
    'W10.e30.c2ln',
    '_w.e30.c2ln',
  ])('is none in the body %j', (body) => expect(() => parse({ body })).toThrow(unknown('ERR_MALFORMED')));

  it.each([{ alg: 'none' }, { alg: 'None' }, { alg: '' }, {}, { alg: 5 }])(
    'with the header %j is refused',
    (header) => expect(() => jwt({}, header)).toThrow(unknown('ERR_JWT_REFUSED')),
  );

  it.each(['token-introspection+jwt', 'application/Token-Introspection+JWT'])(
    'of the type %s is never taken',
    (typ) => {
      expect(() => jwt({}, { alg: 'RS256', typ })).toThrow(unknown('ERR_JWT_REFUSED'));
      expect(() => json({ active: true, jwt: unsignedJwt({}, { alg: 'RS256', typ }) })).toThrow(
        unknown('ERR_JWT_REFUSED'),
      );
    },
  );

  it('with two claims of one name is refused', () => {
    const [header] = unsignedJwt().split('.');
    const payload = Buffer.from('{"sub":"a","sub":"b"}').toString('base64url');
    expect(() => parse({ body: `${header}.${payload}.c2ln` })).toThrow(unknown('ERR_MALFORMED'));
  });
});

describe('a JSON answer', () => {
  const inner = unsignedJwt({ sub: 's' });

  it.each(['phantom_token', 'jwt'])('with a JWT in %s is ACTIVE', (member) =>
    expect(json({ active: true, username: 'u', [member]: inner })).toEqual({
      active: true,
      jwt: inner,
      claims: { sub: 's', username: 'u' },
    }),
  );
  it('is read although a JWT was asked for', () =>
    expect(json({ active: true, jwt: inner }, {})).toMatchObject({ active: true, jwt: inner }));
  it('takes the first configured member that is a string', () => {
    expect(json({ active: true, phantom_token: null, jwt: inner })).toMatchObject({ jwt: inner });
    expect(json({ active: true, access_jwt: inner }, { jwtMembers: ['access_jwt'] })).toMatchObject({
      jwt: inner,
    });
  });
  it('without a JWT is UNKNOWN, with a message that names the cure', () =>
    expect(() => json({ active: true, sub: 's' })).toThrow(
      unknown('ERR_NO_JWT', { message: expect.stringContaining('jwtMembers') }),
    ));
  it('that says inactive is INACTIVE, whatever else it says', () =>
    expect(json({ active: false, exp: 'x', aud: 7, jwt: 'nonsense' })).toEqual(inactive));
  it.each(['true', 1, '1', null, [], {}, undefined])('with "active": %j is UNKNOWN', (active) =>
    expect(() => json({ active, jwt: inner })).toThrow(unknown('ERR_MALFORMED')),
  );
  it.each(['', 'null', '[]', '{"active":true', '{"active":false,"active":true}', '<html></html>'])(
    'is none in the body %j',
    (body) => expect(() => parse({ type: 'application/json', body })).toThrow(unknown('ERR_MALFORMED')),
  );
  it('whose JWT says inactive contradicts itself', () =>
    expect(() => both({}, { active: false })).toThrow(unknown('ERR_CONTRADICTION')));
  it('whose JWT says active agrees', () => expect(both({}, { active: true }).active).toBe(true));
  it('with a malformed JWT is UNKNOWN', () =>
    expect(() => json({ active: true, jwt: 'not.a.jwt' })).toThrow(unknown('ERR_MALFORMED')));
  it('leaves no prototype behind', () => {
    const body = `{"active":true,"__proto__":{"aud":"evil"},"jwt":"${inner}"}`;
    const result = parse({ type: 'application/json', body });
    expect(result.active && result.claims.aud).toBeUndefined();
  });
});

describe('NumericDates', () => {
  it.each([
    [now + 10.7, now + 10],
    [1e300, 253_402_300_799],
  ])('exp %d counts as %d', (exp, expected) =>
    expect(jwt({ exp })).toMatchObject({ claims: { exp: expected } }),
  );
  it('out of the range of numbers is clamped', () => {
    const [header] = unsignedJwt().split('.');
    const payload = Buffer.from('{"exp":1e999}').toString('base64url');
    expect(parse({ body: `${header}.${payload}.c2ln` })).toMatchObject({ claims: { exp: 253_402_300_799 } });
  });
  it.each([now, now - 1, now + 0.5 - 1, 0, 0.5, -1, -1e300])('exp %d is past: INACTIVE', (exp) =>
    expect(jwt({ exp })).toEqual(inactive),
  );
  it('exp 0 beside "active": true means that the token does not expire', () => {
    expect(both({ exp: 0 }, {})).toMatchObject({ active: true, claims: {} });
    expect(jwt({ active: true, exp: 0 })).toEqual(expect.objectContaining({ claims: {} }));
  });
  it.each(['exp', 'nbf', 'iat'])('%s must be a number', (name) => {
    expect(() => jwt({ [name]: String(now + 10) })).toThrow(
      unknown('ERR_MALFORMED', { message: expect.stringContaining(name) }),
    );
    expect(() => jwt({ [name]: true })).toThrow(unknown('ERR_MALFORMED'));
  });
  it('nbf ahead is INACTIVE, but for a small difference of clocks', () => {
    expect(jwt({ nbf: now + 6 })).toEqual(inactive);
    expect(jwt({ nbf: now + 5 }).active).toBe(true);
  });
  it('iat ahead is taken', () => expect(jwt({ iat: now + 3600 }).active).toBe(true));
});

describe('claims', () => {
  it.each([['a'], [['a', 'b']]])('aud may be %j', (aud) =>
    expect(jwt({ aud })).toMatchObject({ claims: { aud } }),
  );
  it.each([7, [], [7], ['a', null], {}])('aud must not be %j', (aud) =>
    expect(() => jwt({ aud })).toThrow(unknown('ERR_MALFORMED')),
  );
  it.each(['iss', 'sub', 'client_id', 'scope', 'token_type', 'token_use'])('%s must be a string', (name) => {
    expect(() => jwt({ [name]: ['x'] })).toThrow(unknown('ERR_MALFORMED'));
    expect(() => jwt({ [name]: 7 })).toThrow(unknown('ERR_MALFORMED'));
  });
  it.each(['exp', 'nbf', 'iat', 'aud', 'iss', 'sub', 'client_id', 'scope', 'token_type', 'token_use'])(
    '%s null counts as absent',
    (name) => {
      expect(jwt({ [name]: null })).toEqual(expect.objectContaining({ claims: {} }));
      expect(both({ [name]: null }, { exp: now + 9 })).toEqual(
        expect.objectContaining({ claims: { exp: now + 9 } }),
      );
    },
  );
  it.each(['jkt', [], null, 7])('cnf must not be %j', (cnf) =>
    expect(() => jwt({ cnf })).toThrow(unknown('ERR_MALFORMED')),
  );
  it('are frozen, deeply', () => {
    const result = jwt({ aud: ['a'], deep: { er: {} } }) as unknown as { claims: { deep: { er: object } } };
    expect(() => Object.assign(result.claims, { sub: 'x' })).toThrow(TypeError);
    expect(Object.isFrozen(result.claims.deep.er)).toBe(true);
  });
  it.each([
    { token_type: 'refresh_token' },
    { token_type: 'Refresh_Token' },
    { token_type: 'id_token' },
    { token_use: 'id' },
    { token_use: 'refresh' },
    { purpose: 'refresh_token' },
    { typ: 'Refresh' },
    { typ: 'ID' },
    { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
  ])('%j say that this is no access token: INACTIVE', (claims) => {
    expect(jwt(claims)).toEqual(inactive);
    expect(both(claims, {})).toEqual(inactive);
    expect(both({}, claims)).toEqual(inactive);
  });
  it.each([
    { token_type: 'Bearer' },
    { token_type: 'DPoP' },
    { token_use: 'access' },
    { token_use: 'access_token' },
    { purpose: 'access_token' },
    { typ: 'Bearer' },
    { token_type: 'opaque' },
  ])('%j say that it is', (claims) => expect(jwt(claims).active).toBe(true));
});

describe('an answer and the JWT in it', () => {
  it('count with the earlier exp and the later nbf', () => {
    expect(both({ exp: now + 50, nbf: now - 5 }, { exp: now + 90, nbf: now - 9 })).toMatchObject({
      claims: { exp: now + 50, nbf: now - 5 },
    });
    expect(both({ exp: now + 90 }, { exp: now + 50 })).toMatchObject({ claims: { exp: now + 50 } });
    expect(both({ exp: now - 1 }, { exp: now + 50 })).toEqual(inactive);
    expect(both({ exp: 0 }, { exp: now + 50 })).toMatchObject({ claims: { exp: now + 50 } });
    expect(both({ nbf: now + 60 }, {})).toEqual(inactive);
  });
  it.each(['iss', 'sub', 'client_id'])('that differ in %s are UNKNOWN', (name) => {
    expect(() => both({ [name]: 'a' }, { [name]: 'b' })).toThrow(
      unknown('ERR_CONTRADICTION', { message: expect.stringContaining(name) }),
    );
    expect(both({ [name]: 'a' }, { [name]: 'a' }).active).toBe(true);
    expect(both({ [name]: 'a' }, {})).toMatchObject({ claims: { [name]: 'a' } });
    expect(both({}, { [name]: 'b' })).toMatchObject({ claims: { [name]: 'b' } });
  });
  it('grant the scope that both grant', () => {
    expect(both({ scope: 'a b c' }, { scope: 'c d a' })).toMatchObject({ claims: { scope: 'c a' } });
    expect(both({ scope: 'a' }, { scope: 'b' })).toMatchObject({ claims: { scope: '' } });
    expect(both({ scope: 'a' }, {})).toMatchObject({ claims: { scope: 'a' } });
  });
  it('keep the cnf of either, and are UNKNOWN with two', () => {
    expect(both({ cnf: { jkt: 'x' } }, {})).toMatchObject({ claims: { cnf: { jkt: 'x' } } });
    expect(both({}, { cnf: { jkt: 'x' } })).toMatchObject({ claims: { cnf: { jkt: 'x' } } });
    expect(both({ cnf: { jkt: 'x' } }, { cnf: { jkt: 'x' } }).active).toBe(true);
    const cnf = { jkt: 'x', 'x5t#S256': 'y', jwk: { kty: 'EC', key_ops: ['sign', 'verify'] } };
    const turned = { jwk: { key_ops: ['sign', 'verify'], kty: 'EC' }, 'x5t#S256': 'y', jkt: 'x' };
    expect(both({ cnf }, { cnf: turned }).active).toBe(true);
    for (const other of [
      { ...cnf, 'x5t#S256': 'z' },
      { ...cnf, more: 1 },
      { ...cnf, jwk: { kty: 'EC', key_ops: ['verify', 'sign'] } },
      { ...cnf, jwk: { kty: 'EC', key_ops: { 0: 'sign', 1: 'verify' } } },
      { ...cnf, jwk: null },
    ]) {
      expect(() => both({ cnf }, { cnf: other })).toThrow(unknown('ERR_CONTRADICTION'));
      expect(() => both({ cnf: other }, { cnf })).toThrow(unknown('ERR_CONTRADICTION'));
    }
    expect(() => both({ cnf: { jkt: 'x' } }, { cnf: { jkt: 'y' } })).toThrow(unknown('ERR_CONTRADICTION'));
  });
});

describe('statuses and media types', () => {
  it('204 is INACTIVE where a JWT was asked for, and only there', () => {
    expect(parse({ status: 204, type: null })).toEqual(inactive);
    expect(() => parse({ status: 204 }, { accept: 'application/json' })).toThrow(
      unknown('ERR_STATUS', { serverStatus: 204 }),
    );
  });
  it('400 is INACTIVE where it was said to mean that', () => {
    expect(() => parse({ status: 400 })).toThrow(unknown('ERR_BAD_REQUEST', { serverStatus: 400 }));
    expect(parse({ status: 400 }, { badRequestMeansInactive: true })).toEqual(inactive);
  });
  it.each([
    [401, 'ERR_CREDENTIALS_REFUSED', 502],
    [403, 'ERR_CREDENTIALS_REFUSED', 502],
    [404, 'ERR_STATUS', 502],
    [405, 'ERR_STATUS', 502],
    [415, 'ERR_STATUS', 502],
    [201, 'ERR_STATUS', 502],
    [206, 'ERR_STATUS', 502],
    [0, 'ERR_REDIRECT', 502],
    [301, 'ERR_REDIRECT', 502],
    [307, 'ERR_REDIRECT', 502],
    [500, 'ERR_STATUS', 502],
    [502, 'ERR_STATUS', 502],
    [504, 'ERR_STATUS', 504],
    [429, 'ERR_UNAVAILABLE', 503],
    [503, 'ERR_UNAVAILABLE', 503],
  ])('%i is UNKNOWN, %s, %i', (serverStatus, code, status) =>
    expect(() => parse({ status: serverStatus, body: unsignedJwt() })).toThrow(
      unknown(code, { status, serverStatus }),
    ),
  );
  it('503 passes on for how long', () => {
    expect(() => parse({ status: 503, headers: { 'Retry-After': '7' } })).toThrow(
      unknown('ERR_UNAVAILABLE', { retryAfterSeconds: 7 }),
    );
    expect(() => parse({ status: 429 })).toThrow(unknown('ERR_UNAVAILABLE', { retryAfterSeconds: 1 }));
  });
  it.each(['text/html', 'text/plain', 'application/token-introspection+jwt', 'application/jwtx', null])(
    'the media type %j is UNKNOWN',
    (type) => expect(() => parse({ type, body: unsignedJwt() })).toThrow(unknown('ERR_MEDIA_TYPE')),
  );
  it('a bare JWT is UNKNOWN where JSON was asked for', () =>
    expect(() => parse({ body: unsignedJwt() }, { accept: 'application/json' })).toThrow(
      unknown('ERR_MEDIA_TYPE'),
    ));
});

describe('an answer without a JWT, where JWTs are minted', () => {
  const minted = (members: object) =>
    json({ active: true, ...members }, { accept: 'application/json', mintJwt: {} });

  it('is ACTIVE, with the JWT still to be made', () =>
    expect(minted({ sub: 's', exp: now + 9 })).toEqual({
      active: true,
      jwt: undefined,
      claims: { sub: 's', exp: now + 9 },
    }));

  it('is INACTIVE for all that makes any answer so', () => {
    expect(minted({ active: false })).toEqual(inactive);
    expect(minted({ exp: now })).toEqual(inactive);
    expect(minted({ nbf: now + 6 })).toEqual(inactive);
    expect(minted({ token_type: 'refresh_token' })).toEqual(inactive);
  });

  it('may be for no audience in particular', () =>
    expect(minted({ aud: [] })).toEqual({ active: true, jwt: undefined, claims: {} }));

  it('is left alone where the server gives a JWT', () => {
    const jwt = unsignedJwt({ sub: 's' });
    expect(minted({ jwt })).toEqual({ active: true, jwt, claims: { sub: 's' } });
    expect(() => minted({ jwt: unsignedJwt({ aud: [] }) })).toThrow(unknown('ERR_MALFORMED'));
  });
});
