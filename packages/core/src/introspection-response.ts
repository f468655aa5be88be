import type { Claims } from './cache.js';
import { isAccessToken, mergeClaims, readClaims } from './claims.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import type { HttpAnswer } from './http-exchange.js';
import { parseJsonObject } from './json-object.js';
import { parseJwt } from './jwt.js';
import { nbfLeewaySeconds } from './policy.js';
import { parseRetryAfter } from './retry-after.js';

/** What the server is asked to answer with: the JWT itself, JSON (RFC 7662), or JSON that it has signed (RFC 9701). */
export type IntrospectionMediaType =
  | 'application/jwt'
  | 'application/json'
  | 'application/token-introspection+jwt';

export interface IntrospectionResponseOptions {
  readonly accept: IntrospectionMediaType;
  readonly jwtMembers: readonly string[];
  readonly badRequestMeansInactive: boolean;
  /** Makes the JWT where the answer has none. */
  readonly mintJwt?: unknown;
}

/** What an answer says of a token: ACTIVE, with the JWT unless there is one to be minted, or INACTIVE. */
export type IntrospectionAnswer =
  | { readonly active: true; readonly jwt: string | undefined; readonly claims: Claims }
  | { readonly active: false };

const inactive: IntrospectionAnswer = Object.freeze({ active: false });

/**
 * Reads the answer of RFC 7662 §2.2: ACTIVE or INACTIVE, or throws when nothing reliable was said.
 * @throws {IntrospectionError}
 */
export function parseIntrospectionResponse(
  answer: HttpAnswer,
  options: IntrospectionResponseOptions,
  now: number,
): IntrospectionAnswer {
  const { accept } = options;
  if (parseStatus(answer, options, now) === 'inactive') return inactive;
  const mediaType = readMediaType(answer);
  if (mediaType === 'application/jwt' && accept === 'application/jwt') return readJwt(answer.body, now);
  // some servers wrap the JWT that was asked for
  if (mediaType === 'application/json') return readMembers(parseJson(answer.body), options, now);
  throw wrongMediaType(accept);
}

/**
 * The same where the server has to sign what it says (RFC 9701): no answer without a signature gets by.
 * @throws {IntrospectionError}
 */
export async function parseSignedResponse(
  answer: HttpAnswer,
  options: IntrospectionResponseOptions,
  verify: (body: string) => Promise<Record<string, unknown>>,
  now: number,
): Promise<IntrospectionAnswer> {
  if (parseStatus(answer, options, now) === 'inactive') return inactive;
  if (readMediaType(answer) !== options.accept) throw wrongMediaType(options.accept);
  return readMembers(await verify(answer.body), options, now);
}

function parseStatus(
  { status, headers }: HttpAnswer,
  { accept, badRequestMeansInactive }: IntrospectionResponseOptions,
  now: number,
): 'inactive' | 'body' {
  if (status === 204 && accept === 'application/jwt') return 'inactive';
  if (status === 400 && badRequestMeansInactive) return 'inactive';
  if (status !== 200) throw statusError(status, headers, now);
  return 'body';
}

const readMediaType = ({ headers }: HttpAnswer) =>
  (headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase();

const wrongMediaType = (accept: string) =>
  new IntrospectionError('ERR_MEDIA_TYPE', `the answer's media type is not the ${accept} asked for`);

function readJwt(body: string, now: number): IntrospectionAnswer {
  const jwt = body.replace(/\r?\n$/, '');
  const payload = parseJwt(jwt);
  // a signed "no" (Connect2id); a JWT without the member is a "yes"
  if (payload.active !== undefined && !readActive(payload)) return inactive;
  return judge(jwt, readClaims(payload), now);
}

function readMembers(
  members: Record<string, unknown>,
  { jwtMembers, mintJwt }: IntrospectionResponseOptions,
  now: number,
): IntrospectionAnswer {
  if (!readActive(members)) return inactive;
  // Hydra says so of a token that is for nobody in particular; in a JWT it would be malformed
  if (mintJwt !== undefined && isEmptyList(members.aud)) delete members.aud;
  const answer = readClaims(members);
  if (!isAccessToken(answer)) return inactive;
  const jwt = jwtMembers.map((name) => members[name]).find((member) => typeof member === 'string');
  if (jwt === undefined && mintJwt !== undefined) return judge(undefined, answer, now);
  if (jwt === undefined) {
    throw new IntrospectionError(
      'ERR_NO_JWT',
      `the token is active but the answer has no JWT in ${jwtMembers.join(' or ')}; let the server return one, or set jwtMembers or mintJwt`,
    );
  }
  const payload = parseJwt(jwt);
  if (payload.active !== undefined && !readActive(payload)) {
    throw new IntrospectionError(
      'ERR_CONTRADICTION',
      'the answer says active and the JWT in it says inactive',
    );
  }
  const claims = readClaims(payload);
  if (!isAccessToken(claims)) return inactive;
  for (const name of jwtMembers) delete (answer as Record<string, unknown>)[name];
  return judge(jwt, mergeClaims(answer, claims), now);
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

function judge(jwt: string | undefined, claims: Claims, now: number): IntrospectionAnswer {
  const { exp, nbf } = claims;
  if (exp !== undefined && exp <= now) return inactive;
  if (nbf !== undefined && nbf > now + nbfLeewaySeconds) return inactive;
  return isAccessToken(claims) ? deepFreeze({ active: true, jwt, claims }) : inactive;
}

function readActive({ active }: Record<string, unknown>): boolean {
  if (typeof active === 'boolean') return active;
  throw new IntrospectionError('ERR_MALFORMED', 'the answer\'s "active" is missing or not a boolean');
}

function parseJson(body: string): Record<string, unknown> {
  try {
    return parseJsonObject(body);
  } catch {
    throw new IntrospectionError(
      'ERR_MALFORMED',
      "the authorization server's answer is not an unambiguous JSON object",
    );
  }
}

function statusError(status: number, headers: Headers, now: number): IntrospectionError {
  const options = { serverStatus: status };
  if (status === 401 || status === 403) {
    const message = `the authorization server refused our own credentials (${status})`;
    return new IntrospectionError('ERR_CREDENTIALS_REFUSED', message, options);
  }
  if (status === 429 || status === 503) {
    return new IntrospectionError('ERR_UNAVAILABLE', `the authorization server is busy (${status})`, {
      ...options,
      status: 503,
      retryAfterSeconds: parseRetryAfter(headers.get('Retry-After'), now),
    });
  }
  if (status === 0 || (status >= 300 && status < 400)) {
    return new IntrospectionError(
      'ERR_REDIRECT',
      'the authorization server answered with a redirect',
      options,
    );
  }
  const code = status === 400 ? 'ERR_BAD_REQUEST' : 'ERR_STATUS';
  const message = `the authorization server answered with status ${status}`;
  return new IntrospectionError(code, message, status === 504 ? { ...options, status } : options);
}
