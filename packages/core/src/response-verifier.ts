import { base64url, type JWTVerifyOptions } from 'jose';
import { IntrospectionError } from './errors.js';
import { jsonMember } from './json-member.js';
import { parseJsonObject } from './json-object.js';
import { compactJws } from './jwt.js';
import { nonEmpty, nonEmptyList, refuseUnknown, seconds } from './option-checks.js';
import { nbfLeewaySeconds } from './policy.js';
import { createDecryption } from './response-decryption.js';
import type { Secret } from './secret.js';
import type { PrivateKey } from './signing-key.js';
import {
  readAlgorithms,
  readVerificationKeys,
  refusal,
  type VerificationKeyOptions,
  verificationKeyOptions,
  verifyWithAnyKey,
} from './verification-keys.js';

/** Judges a signed introspection response (RFC 9701), before anything in it is believed. */
export interface ResponseVerifier {
  /** Names all that the judgement rests on; part of the cache key, so that no cache passes on what another trusted. */
  readonly context: string;
  /**
   * `now` is a NumericDate, `clientId` the name under which we introspect.
   * @returns the members of `token_introspection`, which is what RFC 7662 §2.2 has in its JSON answer.
   * @throws {IntrospectionError} ERR_RESPONSE_VERIFICATION: the client of the API did nothing wrong.
   */
  verify(
    body: string,
    expected: { readonly now: number; readonly clientId: string },
  ): Promise<Record<string, unknown>>;
}

export interface ResponseVerifierOptions extends VerificationKeyOptions {
  /** The `iss` that the answer must have. */
  readonly issuer: string;
  /** The answer must be meant for one of these (RFC 9701 §5). Default: the client id with which we introspect. */
  readonly audience?: string | readonly string[];
  /**
   * Our private keys, where the server encrypts its answers to us (RFC 9701 §6); several while they are rotated. A
   * function is asked once, and again when an answer fits none of the keys it gave. An answer that is signed and not
   * encrypted counts all the same. Default: an encrypted answer is a fault.
   */
  readonly decryptionKey?: Secret<PrivateKey | readonly PrivateKey[]>;
  /** How long ago the server may have signed its answer (`iat`). Seconds, default 60. */
  readonly maxAgeSeconds?: number;
}

const known: Record<keyof ResponseVerifierOptions, true> = {
  ...verificationKeyOptions,
  issuer: true,
  audience: true,
  decryptionKey: true,
  maxAgeSeconds: true,
};

// the encrypted key is empty where it is agreed upon directly (RFC 7518 §4.6)
const encryptedJwt = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Verifies the JWT that an introspection endpoint answers with (RFC 9701 §5, RFC 8725): `typ`, signature, `iss`, `aud`,
 * `iat`, and `exp` and `nbf` where it has them; decrypts it first where that is needed.
 *
 * The signature says who answered and when, and not for which token: RFC 9701 has nothing that ties an answer to an
 * opaque token. Whoever can break into the TLS connection, a proxy that terminates it for example, can still give the
 * fresh answer to one token as that to another. `aud` confines this to answers to us, and `maxAgeSeconds` to recent ones.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function responseVerifier(options: ResponseVerifierOptions): ResponseVerifier {
  refuseUnknown('responseVerifier', options, known);
  const issuer = nonEmpty('issuer', options.issuer);
  const audience = readAudience(options.audience);
  const signedWith = readAlgorithms(options.algorithms);
  const maxAgeSeconds = seconds('maxAgeSeconds', options.maxAgeSeconds, 60, { positive: true });
  const keys = readVerificationKeys(options);
  const decrypt = options.decryptionKey === undefined ? undefined : createDecryption(options.decryptionKey);
  const expected: JWTVerifyOptions = {
    typ: 'token-introspection+jwt',
    issuer,
    algorithms: [...signedWith],
    clockTolerance: nbfLeewaySeconds,
  };

  async function unwrap(answer: string): Promise<string> {
    if (!encryptedJwt.test(answer)) return answer;
    if (decrypt !== undefined) return decrypt(answer);
    throw failed('is encrypted; set decryptionKey, or let the server only sign');
  }

  return Object.freeze({
    context: JSON.stringify([issuer, audience, signedWith, maxAgeSeconds, keys.context]),
    async verify(body: string, { now, clientId }: { readonly now: number; readonly clientId: string }) {
      const jws = await unwrap(body.replace(/\r?\n$/, ''));
      if (!compactJws.test(jws)) throw failed('is no signed JWT');
      const { payload } = await verifyWithAnyKey(jws, keys.at(now), {
        ...expected,
        audience: [...(audience ?? [clientId])],
        currentDate: new Date(now * 1000),
      }).catch((error) => {
        throw refusal('ERR_RESPONSE_VERIFICATION', "the authorization server's signed answer", error);
      });
      assertFresh(payload.iat, now, maxAgeSeconds);
      return readMembers(jws);
    },
  });
}

const failed = (why: string) =>
  new IntrospectionError('ERR_RESPONSE_VERIFICATION', `the authorization server's signed answer ${why}`);

function readAudience(value: string | readonly string[] | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  return nonEmptyList('audience', typeof value === 'string' ? [value] : value);
}

// that it is a number where it is there at all is seen to by then
function assertFresh(iat: number | undefined, now: number, maxAgeSeconds: number): void {
  if (iat === undefined) throw failed('has no iat');
  if (iat < now - maxAgeSeconds) {
    throw failed(
      `was signed more than ${maxAgeSeconds} seconds ago; compare the clocks, or set maxAgeSeconds`,
    );
  }
  if (iat > now + nbfLeewaySeconds) throw failed('was signed in the future; compare the clocks');
}

/** What the answer says of the token, once it is verified; the claims around it say nothing of the token. */
function readMembers(jws: string): Record<string, unknown> {
  const [, payload = ''] = jws.split('.');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(base64url.decode(payload));
    parseJsonObject(text);
    return parseJsonObject(jsonMember(text, 'token_introspection') ?? '');
  } catch {
    throw failed('has no unambiguous object in token_introspection');
  }
}
