import type { Claims, IntrospectionResult } from './cache.js';
import { isAccessToken, mergeClaims, readClaims } from './claims.js';
import { deepFreeze } from './deep-freeze.js';
import { IntrospectionError } from './errors.js';
import type { HttpAnswer } from './http-exchange.js';
import { parseJsonObject } from './json-object.js';
import { parseJwt } from './jwt.js';
import { nbfLeewaySeconds } from './policy.js';
import { parseRetryAfter } from './retry-after.js';

export interface IntrospectionResponseOptions {
  readonly accept: 'application/jwt' | 'application/json';
  readonly jwtMembers: readonly string[];
  readonly badRequestMeansInactive: boolean;
}

const inactive: IntrospectionResult = Object.freeze({ active: false });

/**
 * Reads the answer of RFC 7662 §2.2: ACTIVE or INACTIVE, or throws when nothing reliable was said.
 * @throws {IntrospectionError}
 */
export function parseIntrospectionResponse(
  answer: HttpAnswer,
  options: IntrospectionResponseOptions,
  now: number,
): IntrospectionResult {
  const { status, headers } = answer;
  if (status === 204 && options.accept === 'application/jwt') return inactive;
  if (status === 400 && options.badRequestMeansInactive) return inactive;
  if (status !== 200) throw statusError(status, headers, now);
  const mediaType = (headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === 'application/jwt' && options.accept === 'application/jwt')
    return parseJwtAnswer(answer.body, now);
  if (mediaType === 'application/json') return parseJsonAnswer(answer.body, options.jwtMembers, now);
  throw new IntrospectionError(
    'ERR_MEDIA_TYPE',
    `the answer's media type is not the ${options.accept} asked for`,
  );
}

function parseJwtAnswer(body: string, now: number): IntrospectionResult {
  const jwt = body.replace(/\r?\n$/, '');
  const payload = parseJwt(jwt);
  // a signed "no" (Connect2id); a JWT without the member is a "yes"
  if (payload.active !== undefined && !readActive(payload)) return inactive;
  return judge(jwt, readClaims(payload), now);
}

function parseJsonAnswer(body: string, jwtMembers: readonly string[], now: number): IntrospectionResult {
  const members = parseJson(body);
  if (!readActive(members)) return inactive;
  const answer = readClaims(members);
  if (!isAccessToken(answer)) return inactive;
  const jwt = jwtMembers.map((name) => members[name]).find((member) => typeof member === 'string');
  if (jwt === undefined) {
    throw new IntrospectionError(
      'ERR_NO_JWT',
      `the token is active but the answer has no JWT in ${jwtMembers.join(' or ')}; let the server return one, or set jwtMembers`,
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

function judge(jwt: string, claims: Claims, now: number): IntrospectionResult {
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
