import type { Claims } from './cache.js';
import { IntrospectionError } from './errors.js';

/** The last second of the year 9999. */
const latestDate = 253_402_300_799;

type Members = Record<string, unknown>;

const malformed = (name: string) =>
  new IntrospectionError('ERR_MALFORMED', `the authorization server's answer has a malformed "${name}"`);

const dates = ['exp', 'nbf', 'iat'];
const texts = ['iss', 'sub', 'client_id', 'scope', 'token_type', 'token_use'];

/**
 * Checks the members that decisions rest on (RFC 7662 §2.2, RFC 7519 §4.1) and leaves the rest as it is. NumericDates
 * are floored and clamped. `exp: 0` beside `active: true` is how some servers say "never expires", and `null` how some
 * write what they leave out; not so in `cnf`, whose loss would make a bound token anybody's.
 * @throws {IntrospectionError} ERR_MALFORMED naming the member.
 */
export function readClaims(members: Members): Claims {
  const claims: Members = { ...members };
  if (claims.exp === 0 && claims.active === true) delete claims.exp;
  for (const name of [...dates, ...texts, 'aud']) if (claims[name] === null) delete claims[name];
  for (const name of dates) {
    if (claims[name] === undefined) continue;
    if (typeof claims[name] !== 'number') throw malformed(name);
    claims[name] = Math.min(Math.max(Math.floor(claims[name]), 0), latestDate);
  }
  for (const name of texts)
    if (claims[name] !== undefined && typeof claims[name] !== 'string') throw malformed(name);
  if (claims.aud !== undefined && !isAudience(claims.aud)) throw malformed('aud');
  if (claims.cnf !== undefined && !isObject(claims.cnf)) throw malformed('cnf');
  delete claims.active;
  return claims;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

const isAudience = (value: unknown) =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.length > 0 && value.every((member) => typeof member === 'string'));

/**
 * What holds when a JSON answer and the JWT inside it both speak: the earlier `exp`, the later `nbf`, the scope that
 * both grant, the `cnf` of either, and for the rest the JWT, since that is what the API sees.
 * @throws {IntrospectionError} ERR_CONTRADICTION where they cannot both be true.
 */
export function mergeClaims(answer: Claims, jwt: Claims): Claims {
  for (const name of ['iss', 'sub', 'client_id', 'cnf']) {
    if (answer[name] === undefined || jwt[name] === undefined) continue;
    if (!isSame(answer[name], jwt[name])) {
      throw new IntrospectionError(
        'ERR_CONTRADICTION',
        `the JWT and the answer around it differ in "${name}"`,
      );
    }
  }
  return {
    ...answer,
    ...jwt,
    ...both('exp', answer.exp, jwt.exp, Math.min),
    ...both('nbf', answer.nbf, jwt.nbf, Math.max),
    ...both('scope', answer.scope, jwt.scope, intersection),
  };
}

/** Whether two values of JSON say the same, in whatever order their members stand (RFC 8259 §4). */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other;
  const [members, others] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    Array.isArray(one) === Array.isArray(other) &&
    members.length === others.size &&
    members.every(([name, value]) => others.has(name) && isSame(value, others.get(name)))
  );
}

function both<T>(
  name: string,
  one: T | undefined,
  other: T | undefined,
  choose: (one: T, other: T) => T,
): Claims {
  return one === undefined || other === undefined ? {} : { [name]: choose(one, other) };
}

function intersection(one: string, other: string): string {
  const granted = new Set(one.split(' '));
  return other
    .split(' ')
    .filter((scope) => granted.has(scope))
    .join(' ');
}

const otherTokens = new Set([
  'refresh_token',
  'refresh',
  'offline',
  'id_token',
  'id',
  'authorization_code',
  'device_code',
  'urn:ietf:params:oauth:token-type:refresh_token',
  'urn:ietf:params:oauth:token-type:id_token',
]);

/** Whether nothing says that this is a refresh token, an ID token or another thing that is no access token. */
export function isAccessToken({ token_type, token_use, purpose, typ }: Claims): boolean {
  if (token_use !== undefined && token_use !== 'access' && token_use !== 'access_token') return false;
  return [token_type, purpose, typ].every(
    (kind) => typeof kind !== 'string' || !otherTokens.has(kind.toLowerCase()),
  );
}

/** Claims that decisions rest on: nothing may make them disappear. */
const decisive = new Set([
  'iss',
  'sub',
  'aud',
  'client_id',
  'scope',
  'exp',
  'nbf',
  'iat',
  'cnf',
  'token_type',
]);

/** No real token is shorter; a shorter text may stand in a claim by chance. Characters. */
const leastTokenLength = 16;

/** The claims but for those that hold the token itself, as the `jti` of some servers does: it goes nowhere from here. */
export function withoutToken(claims: Claims, token: string): Claims {
  const holdsToken = (value: unknown) =>
    value === token || (token.length >= leastTokenLength && JSON.stringify(value).includes(token));
  const kept = Object.entries(claims).filter(([name, value]) => decisive.has(name) || !holdsToken(value));
  return kept.length === Object.keys(claims).length ? claims : Object.fromEntries(kept);
}
