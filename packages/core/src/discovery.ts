import {
  allowInsecureRequests as allowInsecure,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi';
import { withinDeadline } from './deadline.js';
import { IntrospectionError } from './errors.js';
import { exchangeHttp, type Fetch, readFetch } from './http-exchange.js';
import { endpoint, flag, mostTimerSeconds, refuseUnknown, seconds } from './option-checks.js';

export interface DiscoverOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /** The whole time for each of the two places that are looked at. Seconds, default 5. */
  readonly timeoutSeconds?: number;
  /**
   * Allows `http:` to other hosts. Default false.
   * @deprecated for tests in closed networks only
   */
  readonly allowInsecureRequests?: boolean;
}

/** What an authorization server publishes of itself. Fits into the client's options: `{ ...(await discover(issuer)), … }`. */
export interface DiscoveredServer {
  readonly issuer: string;
  readonly introspectionEndpoint: string;
  readonly jwksUri: string | undefined;
}

const maxResponseBytes = 262_144;

/**
 * Reads the metadata of an issuer: OpenID Connect Discovery 1.0 §4 first, and RFC 8414 §3 where that is not there or knows
 * no introspection. Await it at start.
 * @throws {IntrospectionError} ERR_DISCOVERY, or why the server could not be reached.
 * @throws {TypeError} for an issuer that is no `https:` URL.
 */
export async function discover(issuer: string, options: DiscoverOptions = {}): Promise<DiscoveredServer> {
  refuseUnknown('discover', options, { fetch: true, timeoutSeconds: true, allowInsecureRequests: true });
  const insecure = flag('allowInsecureRequests', options.allowInsecureRequests, false);
  const url = new URL(endpoint('issuer', issuer, insecure));
  const timeoutSeconds = seconds('timeoutSeconds', options.timeoutSeconds, 5, {
    positive: true,
    most: mostTimerSeconds,
  });
  const fetch = readFetch(options.fetch);

  const refusals: number[] = [];
  const read = (algorithm: 'oidc' | 'oauth2') =>
    withinDeadline(timeoutSeconds, async (signal) => {
      const response = await discoveryRequest(url, {
        algorithm,
        [allowInsecure]: url.protocol === 'http:',
        [customFetch]: (input: string, { headers }: { headers: Record<string, string> }) =>
          fetchCapped(input, new Headers(headers), fetch, signal),
      });
      if (response.status === 200) return processDiscoveryResponse(url, response);
      refusals.push(response.status);
      return undefined;
    });

  const metadata = await refusing(async () => {
    const openId = await read('oidc');
    return openId?.introspection_endpoint === undefined ? { ...openId, ...(await read('oauth2')) } : openId;
  });
  const { issuer: named, introspection_endpoint: introspectionEndpoint, jwks_uri: jwksUri } = metadata;
  if (named === undefined || introspectionEndpoint === undefined) {
    const missing =
      named === undefined ? `metadata (status ${refusals.join(' and ')})` : 'introspection_endpoint';
    throw new IntrospectionError(
      'ERR_DISCOVERY',
      `the issuer publishes no ${missing}; set introspectionEndpoint instead`,
    );
  }
  return Object.freeze({ issuer: named, introspectionEndpoint, jwksUri });
}

async function fetchCapped(
  url: string,
  headers: Headers,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Response> {
  const answer = await exchangeHttp(() => ({ url, method: 'GET', headers }), {
    fetch,
    signal,
    maxResponseBytes,
  });
  const type = answer.headers.get('Content-Type');
  return new Response(answer.body, {
    status: answer.status,
    headers: type === null ? {} : { 'Content-Type': type },
  });
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IntrospectionError) throw error;
    throw new IntrospectionError(
      'ERR_DISCOVERY',
      `the issuer's metadata is not usable: ${(error as Error).message}`,
    );
  }
}
