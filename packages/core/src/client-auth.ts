import { nonEmpty, refuseUnknown } from './option-checks.js';

/** How the client proves itself to the authorization server; a value made by one of the functions below. */
export interface ClientAuth {
  /** The method's name in the IANA registry of token endpoint authentication methods. */
  readonly method: string;
  /** Who asks, since a server may answer two clients differently. Part of every cache key. */
  readonly clientId: string;
  /** Adds the credentials to a request that is about to be sent. */
  authenticate(headers: Headers, body: URLSearchParams): void | Promise<void>;
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
  clientSecret: string,
  options: ClientSecretBasicOptions = {},
): ClientAuth {
  refuseUnknown('clientSecretBasic', options, { encoding: true });
  const { encoding = 'form' } = options;
  if (encoding !== 'form' && encoding !== 'raw') throw new TypeError('encoding must be "form" or "raw"');
  const encode = encoding === 'form' ? formEncode : (text: string) => text;
  const id = encode(nonEmpty('clientId', clientId));
  const secret = encode(nonEmpty('clientSecret', clientSecret));
  if (id.includes(':'))
    throw new TypeError('clientId must not contain a colon when encoding is "raw" (RFC 7617 §2)');
  const authorization = `Basic ${base64(`${id}:${secret}`)}`;
  return Object.freeze({
    method: 'client_secret_basic',
    clientId,
    authenticate(headers: Headers) {
      headers.set('Authorization', authorization);
    },
  });
}

/**
 * `client_secret_post`: id and secret in the form body (RFC 6749 §2.3.1).
 * @throws {TypeError} for an empty id or secret.
 */
export function clientSecretPost(clientId: string, clientSecret: string): ClientAuth {
  nonEmpty('clientId', clientId);
  nonEmpty('clientSecret', clientSecret);
  return Object.freeze({
    method: 'client_secret_post',
    clientId,
    authenticate(_headers: Headers, body: URLSearchParams) {
      body.set('client_id', clientId);
      body.set('client_secret', clientSecret);
    },
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
