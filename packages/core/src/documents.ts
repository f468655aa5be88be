import type { JwtMinter } from './minting.js';
import { endpoint, flag, nonEmpty, nonEmptyList, refuseUnknown } from './option-checks.js';

/** What anybody may read without a token, scripts of any site included. */
export interface PublishedDocument {
  /** Of a successful answer, names as in the RFCs. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called for every request. One that throws or rejects makes the answer 503. */
  body(): string | Promise<string>;
}

/** A document's answer to a request, ready to be written. `null`: no body. */
export interface DocumentAnswer {
  readonly status: 200 | 204 | 405 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface ResourceMetadataOptions {
  /** The API's own identifier: an `https:` URL without fragment (`http:` on loopback). What clients name in `resource`. */
  readonly resource: string | URL;
  /** Issuers whose tokens count here (RFC 8414 §2). Default: not said. */
  readonly authorizationServers?: readonly string[];
  /** Scopes that clients may ask for. Default: not said. */
  readonly scopesSupported?: readonly string[];
  /** Where a token may stand (RFC 6750 §2). Default `header`, which is all that the adapters read. */
  readonly bearerMethodsSupported?: readonly ('header' | 'body' | 'query')[];
  /** Where the API publishes keys of its own, not those of the authorization server. Default: not said. */
  readonly jwksUri?: string | URL;
  /** Algorithms with which the API signs its answers. Default: not said. */
  readonly resourceSigningAlgValuesSupported?: readonly string[];
  /** For people to read. Default: not said. */
  readonly resourceName?: string;
  /** A page for developers. Default: not said. */
  readonly resourceDocumentation?: string | URL;
  /** A page on how the data may be used. Default: not said. */
  readonly resourcePolicyUri?: string | URL;
  /** The terms of service. Default: not said. */
  readonly resourceTosUri?: string | URL;
  /** Whether tokens are bound to client certificates (RFC 8705 §3). Default: not said, which means no. */
  readonly tlsClientCertificateBoundAccessTokens?: boolean;
  /** Types of `authorization_details` (RFC 9396 §2). Default: not said. */
  readonly authorizationDetailsTypesSupported?: readonly string[];
  /** Algorithms of DPoP proofs that count (RFC 9449 §5.1). Default: not said. */
  readonly dpopSigningAlgValuesSupported?: readonly string[];
  /** Whether every token must be bound to a DPoP key (RFC 9449 §5.2). Default: not said, which means no. */
  readonly dpopBoundAccessTokensRequired?: boolean;
}

const wellKnown = '/.well-known/oauth-protected-resource';
const anyOrigin = { 'Access-Control-Allow-Origin': '*' };
const shared = { 'Cache-Control': 'public, max-age=300', ...anyOrigin };
const allowed = 'GET, HEAD, OPTIONS';
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * The keys with which the minter's JWTs verify (RFC 7517 §5), read anew for every request. May be cached for 300 s:
 * publish a key that much earlier than it signs.
 */
export function jwksDocument(minter: Pick<JwtMinter, 'jwks'>): PublishedDocument {
  if (typeof minter?.jwks !== 'function')
    throw new TypeError('jwksDocument wants a minter, made by jwtMinter');
  return Object.freeze({
    headers: Object.freeze({ 'Content-Type': 'application/jwk-set+json', ...shared }),
    body: async () => JSON.stringify(await minter.jwks()),
  });
}

/**
 * What a client must know to get a token for an API (RFC 9728 §2). Serve it at `resourceMetadataUrl(resource)`, and give
 * that URL to the adapter as `resourceMetadata`.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function resourceMetadataDocument(options: ResourceMetadataOptions): PublishedDocument {
  refuseUnknown('resourceMetadataDocument', options, readers);
  // the order is that of the RFC; JSON leaves out what is undefined
  const members = Object.entries(readers).map(([option, read]) => {
    const value = options[option as keyof ResourceMetadataOptions];
    return [toSnakeCase(option), read(option, value)];
  });
  const text = JSON.stringify(Object.fromEntries(members));
  return Object.freeze({
    headers: Object.freeze({ 'Content-Type': 'application/json', ...shared }),
    body: () => text,
  });
}

/**
 * Where the metadata of an API is looked for (RFC 9728 §3.1): the well-known path goes between host and path.
 * @throws {TypeError} for what is no `https:` URL without fragment (`http:` on loopback).
 */
export function resourceMetadataUrl(resource: string | URL): string {
  const { origin, pathname, search } = new URL(readUrl('resource', resource));
  return `${origin}${wellKnown}${pathname === '/' ? '' : pathname}${search}`;
}

/** What to answer a request for a document with. Never rejects. */
export async function answerDocument(document: PublishedDocument, method: string): Promise<DocumentAnswer> {
  if (method === 'OPTIONS') {
    const headers = {
      Allow: allowed,
      ...anyOrigin,
      'Access-Control-Allow-Methods': allowed,
      // some clients send a version of their protocol along
      'Access-Control-Allow-Headers': '*',
    };
    return { status: 204, headers, body: null };
  }
  const unstored = { 'Cache-Control': 'no-store', ...anyOrigin };
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { Allow: allowed, ...unstored }, body: null };
  try {
    const body = await document.body();
    return { status: 200, headers: document.headers, body: method === 'HEAD' ? null : body };
  } catch {
    return { status: 503, headers: unstored, body: null };
  }
}

type Reader = (name: string, value: unknown) => unknown;

const optional =
  (read: Reader): Reader =>
  (name, value) =>
    value === undefined ? undefined : read(name, value);

const listOf =
  (isRight: (member: string) => boolean, kind: string): Reader =>
  (name, value) => {
    const list = nonEmptyList(name, value);
    if (list.every(isRight)) return list;
    throw new TypeError(`${name} must be a list of ${kind}`);
  };

const readUrl = (name: string, value: unknown) => endpoint(name, value, false);
const readIssuers: Reader = (name, value) => nonEmptyList(name, value).map((issuer) => readUrl(name, issuer));
const readFlag: Reader = (name, value) => flag(name, value, false);
const isSigned = (algorithm: string) => !/^none$/i.test(algorithm);
const isProving = (algorithm: string) => !/^(?:none|HS\d+)$/i.test(algorithm);
const isMethod = (method: string) => ['header', 'body', 'query'].includes(method);

const readers: Record<keyof ResourceMetadataOptions, Reader> = {
  resource: readUrl,
  authorizationServers: optional(readIssuers),
  jwksUri: optional(readUrl),
  scopesSupported: optional(listOf((scope) => scopeToken.test(scope), 'single scopes, without spaces')),
  bearerMethodsSupported: (name, value) =>
    listOf(isMethod, '"header", "body" or "query"')(name, value ?? ['header']),
  resourceSigningAlgValuesSupported: optional(listOf(isSigned, 'algorithms that sign')),
  resourceName: optional(nonEmpty),
  resourceDocumentation: optional(readUrl),
  resourcePolicyUri: optional(readUrl),
  resourceTosUri: optional(readUrl),
  tlsClientCertificateBoundAccessTokens: optional(readFlag),
  authorizationDetailsTypesSupported: optional(listOf(() => true, 'types')),
  dpopSigningAlgValuesSupported: optional(listOf(isProving, 'asymmetric algorithms')),
  dpopBoundAccessTokensRequired: optional(readFlag),
};

const toSnakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
