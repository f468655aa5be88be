import { base64url, type JWTVerifyOptions } from 'jose';
import { IntrospectionError } from './errors.js';
import { jsonMember } from './json-member.js';
import { parseJsonObject } from './json-object.js';
import { compactJws } from './jwt.js';
import { flag, nonEmpty, nonEmptyList, seconds } from './option-checks.js';
import { nbfLeewaySeconds } from './policy.js';
import {
  readAlgorithms,
  readVerificationKeys,
  refusal,
  type VerificationKeyOptions,
  verificationKeyOptions,
  verifyWithAnyKey,
} from './verification-keys.js';

/** What makes a logout token worth believing. */
export interface LogoutTokenOptions extends VerificationKeyOptions {
  /** The `iss` that a logout token must have. */
  readonly issuer: string;
  /** Client ids under which we are known there; a logout token must be meant for one of them. */
  readonly audience: string | readonly string[];
  /** How long ago a logout token may have been issued (`iat`). Seconds, default 120. */
  readonly maxAgeSeconds?: number;
  /** Whether `typ` must be `logout+jwt`. `false`: `JWT` and none pass too, for servers that do not say it. Default true. */
  readonly requireTyp?: boolean;
  /** Whether there must be an `exp`. `false` for servers that give none; `maxAgeSeconds` bounds theirs. Default true. */
  readonly requireExp?: boolean;
}

/** For `refuseUnknown`. */
export const logoutTokenOptions: Record<keyof LogoutTokenOptions, true> = {
  ...verificationKeyOptions,
  issuer: true,
  audience: true,
  maxAgeSeconds: true,
  requireTyp: true,
  requireExp: true,
};

/** Whom a logout token names: a session, a subject, or both. */
export interface Logout {
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly jti: string;
  /** NumericDate from which on it counts no more. */
  readonly endsAt: number;
}

/** Why a logout is not believed: a fixed text, without anything of the token. */
export class LogoutRefusal extends Error {}

/**
 * Judges a logout token.
 * @throws {LogoutRefusal} when it is not to be believed.
 * @throws {IntrospectionError} when the issuer's keys were not to be had.
 */
export type LogoutTokenReader = (jws: string, now: number) => Promise<Logout>;

const eventName = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * OpenID Connect Back-Channel Logout 1.0 §2.6. Whether a token was used before is not judged here.
 * @throws {TypeError} naming the option that is missing or wrong.
 */
export function createLogoutTokenReader(options: LogoutTokenOptions): LogoutTokenReader {
  const { audience } = options;
  const maxAgeSeconds = seconds('maxAgeSeconds', options.maxAgeSeconds, 120, { positive: true });
  const requireTyp = flag('requireTyp', options.requireTyp, true);
  const requireExp = flag('requireExp', options.requireExp, true);
  const expected: JWTVerifyOptions = {
    issuer: nonEmpty('issuer', options.issuer),
    audience: [...nonEmptyList('audience', typeof audience === 'string' ? [audience] : audience)],
    algorithms: [...readAlgorithms(options.algorithms)],
    clockTolerance: nbfLeewaySeconds,
    requiredClaims: ['iat', ...(requireExp ? ['exp'] : [])],
  };
  const keys = readVerificationKeys(options);

  function assertTyp(value: unknown): void {
    // RFC 7515 §4.1.9: "application/" may be left out, and media types know no case
    const typ = typeof value === 'string' ? value.toLowerCase().replace(/^application\//, '') : value;
    if (typ === 'logout+jwt' || (!requireTyp && (typ === undefined || typ === 'jwt'))) return;
    throw new LogoutRefusal("the logout token's typ is not logout+jwt");
  }

  function assertFresh(iat: number, now: number): void {
    if (iat < now - maxAgeSeconds) throw new LogoutRefusal('the logout token was issued too long ago');
    if (iat > now + nbfLeewaySeconds) throw new LogoutRefusal('the logout token was issued in the future');
  }

  return async (jws, now) => {
    if (!compactJws.test(jws)) throw new LogoutRefusal('the logout token is no signed JWT');
    const { payload, protectedHeader } = await verifyWithAnyKey(jws, keys.at(now), {
      ...expected,
      currentDate: new Date(now * 1000),
    }).catch((error) => {
      if (error instanceof IntrospectionError) throw error;
      throw new LogoutRefusal(refusal('ERR_JWT_VERIFICATION', 'the logout token', error).message);
    });
    assertTyp(protectedHeader.typ);
    // that it is there, and a number, was seen to by the verification
    const iat = payload.iat as number;
    assertFresh(iat, now);
    return { ...readLogout(jws), endsAt: iat + maxAgeSeconds };
  };
}

/** What a verified logout token says (§2.4), if it means the same to every reader. */
function readLogout(jws: string): Omit<Logout, 'endsAt'> {
  const [, payload = ''] = jws.split('.');
  // that it is base64url and UTF-8 was seen to by the verification
  const text = new TextDecoder().decode(base64url.decode(payload));
  const members = readObject('payload', text);
  if (Object.hasOwn(members, 'nonce'))
    throw new LogoutRefusal('the logout token has a nonce: it is an ID token');
  const events = jsonMember(text, 'events') ?? '';
  readObject('events', events);
  readObject('logout event', jsonMember(events, eventName) ?? '');
  const [jti, sub, sid] = ['jti', 'sub', 'sid'].map((name) => readText(members, name));
  if (jti === undefined) throw new LogoutRefusal('the logout token has no jti');
  if (sub === undefined && sid === undefined)
    throw new LogoutRefusal('the logout token has neither sub nor sid');
  return { jti, sub, sid };
}

function readObject(name: string, text: string): Record<string, unknown> {
  try {
    return parseJsonObject(text);
  } catch {
    throw new LogoutRefusal(`the logout token has no unambiguous object for its ${name}`);
  }
}

function readText(members: Record<string, unknown>, name: string): string | undefined {
  if (!Object.hasOwn(members, name)) return undefined;
  const value = members[name];
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  throw new LogoutRefusal(`the logout token's ${name} is no text`);
}
