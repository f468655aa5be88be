import { activeJson, jwt } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims, type Payload } from '../jwt-samples.js';

const { unreliable } = unknown;
const { inactive } = refused;
const latestDate = 253_402_300_799;

const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(goodClaims).filter(([name]) => !names.includes(name)));

/** Good claims with this text for the last one, since JSON.stringify writes no such number. */
const withExp = (text: string): Payload => `${JSON.stringify(without('exp')).slice(0, -1)},"exp":${text}}`;

const dates: readonly (readonly [
  what: string,
  payload: Payload,
  outcome: 'passes' | 'inactive' | 'malformed',
])[] = [
  ['exp an hour ahead', goodClaims, 'passes'],
  ['exp a second ahead', { ...goodClaims, exp: startAt + 1 }, 'passes'],
  ['exp half a second ahead, which is floored', { ...goodClaims, exp: startAt + 0.5 }, 'inactive'],
  ['exp now', { ...goodClaims, exp: startAt }, 'inactive'],
  ['exp a second ago', { ...goodClaims, exp: startAt - 1 }, 'inactive'],
  ['exp 0 without active', { ...goodClaims, exp: 0 }, 'inactive'],
  ['exp 0 beside active: true', { ...goodClaims, exp: 0, active: true }, 'passes'],
  ['a negative exp', { ...goodClaims, exp: -1 }, 'inactive'],
  ['an exp far below any date', withExp('-1e400'), 'inactive'],
  ['an exp as a string', { ...goodClaims, exp: String(startAt + 3600) }, 'malformed'],
  ['an exp of null', { ...goodClaims, exp: null }, 'passes'],
  ['an exp of true', { ...goodClaims, exp: true }, 'malformed'],
  ['an exp as a list', { ...goodClaims, exp: [startAt + 3600] }, 'malformed'],
  ['no exp', without('exp'), 'passes'],
  ['nbf now', { ...goodClaims, nbf: startAt }, 'passes'],
  ['nbf 5 s ahead', { ...goodClaims, nbf: startAt + 5 }, 'passes'],
  ['nbf 6 s ahead', { ...goodClaims, nbf: startAt + 6 }, 'inactive'],
  ['nbf 5.9 s ahead, which is floored', { ...goodClaims, nbf: startAt + 5.9 }, 'passes'],
  ['a negative nbf', { ...goodClaims, nbf: -1 }, 'passes'],
  ['an nbf as a string', { ...goodClaims, nbf: '0' }, 'malformed'],
  ['an iat an hour ahead', { ...goodClaims, iat: startAt + 3600 }, 'passes'],
  ['an iat as a string', { ...goodClaims, iat: 'now' }, 'malformed'],
];

const kept: readonly (readonly [what: string, payload: Payload, exp: number])[] = [
  ['a float is floored', { ...goodClaims, exp: startAt + 100.9 }, startAt + 100],
  ['milliseconds are a date far ahead', { ...goodClaims, exp: startAt * 1000 }, latestDate],
  ['what no date reaches is clamped', withExp('1e300'), latestDate],
  ['infinity is clamped', withExp('1e400'), latestDate],
];

const otherKinds: readonly (readonly [name: string, value: string])[] = [
  ['token_type', 'refresh_token'],
  ['token_type', 'Refresh_Token'],
  ['token_type', 'refresh'],
  ['token_type', 'id_token'],
  ['token_type', 'ID'],
  ['token_use', 'refresh'],
  ['token_use', 'refresh_token'],
  ['token_use', 'id'],
];

const accessKinds: readonly (readonly [name: string, value: string])[] = [
  ['token_type', 'Bearer'],
  ['token_type', 'access_token'],
  ['token_use', 'access'],
  ['token_use', 'access_token'],
];

const misshapen: readonly (readonly [name: string, value: unknown])[] = [
  ['aud', 1],
  ['aud', []],
  ['aud', ['https://api.example', 1]],
  ['aud', {}],
  ['scope', ['read', 'write']],
  ['scope', 1],
  ['iss', 1],
  ['sub', 1],
  ['client_id', {}],
  ['cnf', 'jkt'],
  ['cnf', ['jkt']],
  ['cnf', null],
];

/** The claims that decisions rest on, wherever they stand (RFC 7662 §2.2, RFC 7519 §4.1). */
export const claimCases = [
  ...dates.map(([what, payload, outcome]) =>
    row(`${what}: ${{ passes: 'passes', inactive: '401', malformed: '502' }[outcome]}`, {
      says: jwt(payload),
      ...(outcome !== 'passes' && { gets: outcome === 'inactive' ? inactive : unreliable }),
    }),
  ),
  ...kept.map(([what, payload, exp]) =>
    row(`exp: ${what}`, { says: jwt(payload), sees: { claims: { exp } } }),
  ),
  row('exp 0 beside active: true in JSON says nothing about the end', {
    says: activeJson({ exp: 0 }),
    sees: { claims: { exp: goodClaims.exp } },
  }),
  ...[startAt - 1, startAt, -5].map((exp) =>
    row(`exp ${exp} in JSON around a JWT that lives on: 401`, { says: activeJson({ exp }), gets: inactive }),
  ),
  row('exp as a string in JSON: 502', { says: activeJson({ exp: '1900000000' }), gets: unreliable }),
  row('nbf ahead in JSON, past in the JWT: 401', {
    says: activeJson({ nbf: startAt + 60 }, { ...goodClaims, nbf: startAt - 60 }),
    gets: inactive,
  }),
  row('nbf ahead in JSON alone: 401', { says: activeJson({ nbf: startAt + 60 }), gets: inactive }),
  ...otherKinds.flatMap(([name, value]) => [
    row(`${name} ${value} in JSON: 401`, { says: activeJson({ [name]: value }), gets: inactive }),
    row(`${name} ${value} in the JWT: 401`, { says: jwt({ ...goodClaims, [name]: value }), gets: inactive }),
  ]),
  row('token_type Bearer around a JWT that says refresh_token: 401', {
    says: activeJson({ token_type: 'Bearer' }, { ...goodClaims, token_type: 'refresh_token' }),
    gets: inactive,
  }),
  row('token_type refresh_token around a JWT that says Bearer: 401', {
    says: activeJson({ token_type: 'refresh_token' }, { ...goodClaims, token_type: 'Bearer' }),
    gets: inactive,
  }),
  row('what the server says of a token is handed on without the token', {
    says: activeJson({ jti: canaries.token, links: [`/tokens/${canaries.token}`], note: 'kept' }),
    sees: { claims: { jti: undefined, links: undefined, note: 'kept' } },
  }),
  row('a token that is a word takes no claim with it in which that word stands', {
    sends: 'Bearer app',
    says: activeJson({ jti: 'app', note: 'an app' }),
    sees: { claims: { jti: undefined, note: 'an app', client_id: 'app' } },
  }),
  ...accessKinds.map(([name, value]) =>
    row(`${name} ${value} passes`, { says: jwt({ ...goodClaims, [name]: value }) }),
  ),
  ...misshapen.flatMap(([name, value]) => [
    row(`${name} ${JSON.stringify(value)} in JSON: 502`, {
      says: activeJson({ [name]: value }),
      gets: unreliable,
    }),
    row(`${name} ${JSON.stringify(value)} in the JWT: 502`, {
      says: jwt({ ...goodClaims, [name]: value }),
      gets: unreliable,
    }),
  ]),
  ...['iss', 'sub', 'aud', 'client_id', 'scope', 'exp', 'nbf', 'iat'].map((name) =>
    row(`${name} null in JSON counts as absent`, {
      says: activeJson({ [name]: null }),
      sees: { claims: { [name]: goodClaims[name as keyof typeof goodClaims] } },
    }),
  ),
  ...[
    ['WARN_EXP_IN_MILLISECONDS', { exp: startAt * 1000 }] as const,
    ['WARN_ISSUED_IN_THE_FUTURE', { iat: startAt + 3600 }] as const,
  ].map(([code, claims]) =>
    scene(`${Object.keys(claims)} far ahead raises ${code} once`, {}, async ({ passes, events, server }) => {
      server.answer(jwt({ ...goodClaims, ...claims }));
      await passes('Bearer one');
      await passes('Bearer two');
      const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
      assertEqual(warnings, [code], 'warnings');
    }),
  ),
];
