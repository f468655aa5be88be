import { SignJWT } from 'jose';
import type { ClientAuth, ClientAuthContext } from './client-auth.js';
import { nonEmpty, refuseUnknown, seconds } from './option-checks.js';
import { type HeldSecret, holdSecret, readText, type Secret } from './secret.js';
import { assertPrivate, importSigningKey, type PrivateKey, type SigningKey } from './signing-key.js';

export interface ClientAssertionOptions {
  /** `aud` of the assertion. Default: the client's `issuer`, or the introspection endpoint where none is set. */
  readonly audience?: string;
  /** How long an assertion holds. Seconds, default 60, at most 300. */
  readonly lifetimeSeconds?: number;
}

export interface ClientSecretJwtOptions extends ClientAssertionOptions {
  /** `HS256` (default), `HS384` or `HS512`. */
  readonly algorithm?: 'HS256' | 'HS384' | 'HS512';
}

export interface PrivateKeyJwtOptions extends ClientAssertionOptions {
  /** Signature algorithm. Default: the key's own `alg`, or what fits its curve, or `RS256`. */
  readonly algorithm?: string;
  /** Names the key in the assertion's header. Default: the key's own `kid`, if it has one. */
  readonly keyId?: string;
}

const assertionOptions = { audience: true, lifetimeSeconds: true, algorithm: true };
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * `client_secret_jwt`: an assertion that the secret signs, so that the secret itself never crosses the network (RFC 7523
 * §2.2).
 * @throws {TypeError} for an empty id or secret, or an unknown algorithm.
 */
export function clientSecretJwt(
  clientId: string,
  clientSecret: Secret,
  options: ClientSecretJwtOptions = {},
): ClientAuth {
  refuseUnknown('clientSecretJwt', options, assertionOptions);
  const { algorithm = 'HS256' } = options;
  if (!/^HS(?:256|384|512)$/.test(algorithm)) throw new TypeError('algorithm must be HS256, HS384 or HS512');
  const read = readText('clientSecret');
  const held = holdSecret(clientSecret, (secret) => ({
    key: new TextEncoder().encode(read(secret)),
    header: { alg: algorithm },
  }));
  return assertionAuth('client_secret_jwt', clientId, held, options);
}

/**
 * `private_key_jwt`: an assertion that our key signs (RFC 7523 §2.2). For a rotation without a refused request give a
 * function: it is asked again when the server refuses what the key has signed.
 * @throws {TypeError} for an empty id, an unknown option, or what is no private key.
 */
export function privateKeyJwt(
  clientId: string,
  key: Secret<PrivateKey>,
  options: PrivateKeyJwtOptions = {},
): ClientAuth {
  refuseUnknown('privateKeyJwt', options, { ...assertionOptions, keyId: true });
  nonEmpty('clientId', clientId);
  const held = holdSecret(key, (from) => {
    assertPrivate('key', from);
    return importSigningKey(from, options);
  });
  return assertionAuth('private_key_jwt', clientId, held, options);
}

function assertionAuth(
  method: string,
  clientId: string,
  held: HeldSecret<SigningKey>,
  { audience, lifetimeSeconds }: ClientAssertionOptions,
): ClientAuth {
  nonEmpty('clientId', clientId);
  if (audience !== undefined) nonEmpty('audience', audience);
  const lifetime = seconds('lifetimeSeconds', lifetimeSeconds, 60, { positive: true, most: 300 });
  return Object.freeze({
    method,
    clientId,
    async authenticate(_headers: Headers, body: URLSearchParams, context: ClientAuthContext) {
      const { key, header } = await held.current();
      const now = Math.floor(context.now);
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader(header)
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(audience ?? context.issuer ?? context.endpoint)
        .setIssuedAt(now)
        .setExpirationTime(now + lifetime)
        .sign(key);
      body.set('client_id', clientId);
      body.set('client_assertion_type', assertionType);
      body.set('client_assertion', assertion);
    },
    renew: held.renew,
  });
}
