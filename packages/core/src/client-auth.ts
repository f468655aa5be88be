import { nonEmpty, refuseUnknown } from './option-checks.js';
import { holdSecret, readText, type Secret } from './secret.js';

/** What a client that asks for authentication knows of the request. */
export interface ClientAuthContext {
  /** The introspection endpoint. */
  readonly endpoint: string;
  /** The authorization server's issuer, where it is known. */
  readonly issuer: string | undefined;
  /** NumericDate of now. */
  readonly now: number;
}

/** How the client proves itself to the authorization server; a value made by one of the functions below. */
export interface ClientAuth {
  /** The method's name in the IANA registry of token endpoint authentication methods. */
  readonly method: string;
  /** Who asks, since a server may answer two clients differently. Part of every cache key. */
  readonly clientId: string;
  /** Adds the credentials to a request that is about to be sent. */
  authenticate(headers: Headers, body: URLSearchParams, context: ClientAuthContext): void | Promise<void>;
  /**
   * The server has refused these credentials: reads them again where they can be. Whether there are others now, with
   * which the request is sent once more.
   * @param sentAt When the refused request was begun, by `performance.now()`: others may have been read since.
   */
  renew?(sentAt: number): Promise<boolean>;
}

export interface ClientSecretBasicOptions {
  /**
   * `form` (default): id and secret are form-encoded first, as RFC 6749 §2.3.1 has it. `raw`: sent as they are, for
   * servers that do not decode.
   */
  readonly encoding?: 'form' | 'raw';
}

/**
 * `client_secret_basic`: HTTP Basic (RFC 6749 §2.3.1).
 * @throws {TypeError} for an empty id or secret, or an unknown encoding.
 */
export function clientSecretBasic(
  clientId: string,
  clientSecret: Secret,
  options: ClientSecretBasicOptions = {},
): ClientAuth {
  refuseUnknown('clientSecretBasic', options, { encoding: true });
  const { encoding = 'form' } = options;
  if (encoding !== 'form' && encoding !== 'raw') throw new TypeError('encoding must be "form" or "raw"');
  const encode = encoding === 'form' ? formEncode : (text: string) => text;
  const id = encode(nonEmpty('clientId', clientId));
  if (id.includes(':'))
    throw new TypeError('clientId must not contain a colon when encoding is "raw" (RFC 7617 §2)');
  const read = readText('clientSecret');
  const held = holdSecret(clientSecret, (secret) => `Basic ${base64(`${id}:${encode(read(secret))}`)}`);
  return Object.freeze({
    method: 'client_secret_basic',
    clientId,
    async authenticate(headers: Headers) {
      headers.set('Authorization', await held.current());
    },
    renew: held.renew,
  });
}

/**
 * `client_secret_post`: id and secret in the form body (RFC 6749 §2.3.1).
 * @throws {TypeError} for an empty id or secret.
 */
export function clientSecretPost(clientId: string, clientSecret: Secret): ClientAuth {
  nonEmpty('clientId', clientId);
  const held = holdSecret(clientSecret, readText('clientSecret'));
  return Object.freeze({
    method: 'client_secret_post',
    clientId,
    async authenticate(_headers: Headers, body: URLSearchParams) {
      body.set('client_id', clientId);
      body.set('client_secret', await held.current());
    },
    renew: held.renew,
  });
}

/**
 * `tls_client_auth` and `self_signed_tls_client_auth`: the certificate of the TLS connection says who we are (RFC 8705
 * §2), so that `fetch` must present it; `createFetch` of `@phantom-token/core/node` takes `cert` and `key`.
 * @throws {TypeError} for an empty id.
 */
export function tlsClientAuth(clientId: string): ClientAuth {
  nonEmpty('clientId', clientId);
  return Object.freeze({
    method: 'tls_client_auth',
    clientId,
    authenticate(_headers: Headers, body: URLSearchParams) {
      body.set('client_id', clientId);
    },
  });
}

/**
 * A bearer token of our own (RFC 7662 §2.1). `clientId` names who it was issued to: a server may answer two clients
 * differently, and what it told one is not what it tells the other. A function is asked for the token once, and again
 * when the server refuses it.
 * @throws {TypeError} for an empty id or token.
 */
export function bearerAuth(clientId: string, token: Secret): ClientAuth {
  nonEmpty('clientId', clientId);
  const held = holdSecret(token, (text) => `Bearer ${readText('token')(text)}`);
  return Object.freeze({
    method: 'bearer',
    clientId,
    async authenticate(headers: Headers) {
      headers.set('Authorization', await held.current());
    },
    renew: held.renew,
  });
}

// application/x-www-form-urlencoded that leaves RFC 3986's unreserved characters alone: some servers do not decode
function formEncode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
