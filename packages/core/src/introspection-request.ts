import type { ClientAuth } from './client-auth.js';
import type { HttpRequest } from './http-exchange.js';
import type { IntrospectionMediaType } from './introspection-response.js';

export interface IntrospectionRequestOptions {
  readonly introspectionEndpoint: string;
  readonly accept: IntrospectionMediaType;
  readonly clientAuth: ClientAuth;
  readonly extraParameters: Readonly<Record<string, string>>;
  readonly issuer: string | undefined;
}

/** The request of RFC 7662 §2.1 for a token. Made anew for every attempt, since credentials may be for one use. */
export async function buildIntrospectionRequest(
  token: string,
  { introspectionEndpoint, accept, clientAuth, extraParameters, issuer }: IntrospectionRequestOptions,
  now: number,
): Promise<HttpRequest> {
  const headers = new Headers({
    Accept: accept,
    'Content-Type': 'application/x-www-form-urlencoded',
  });
  const body = new URLSearchParams({ ...extraParameters, token });
  await clientAuth.authenticate(headers, body, { endpoint: introspectionEndpoint, issuer, now });
  return { url: introspectionEndpoint, method: 'POST', headers, body: body.toString() };
}
