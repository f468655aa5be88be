import type { AdapterOptions } from '@phantom-token/core';
import type { ForwarderOptions } from '@phantom-token/proxy';
import type { AuthorizationServers } from './authorization-servers.js';
import type { Config, Route as RouteOptions } from './config-schema.js';
import { defined } from './defined.js';
import { UpstreamPool } from './fast-upstream.js';
import { createAcceptJwts, type RequestTrust } from './request-trust.js';

// what a route of the configuration means for the parts that it is made of

export function forwarderOptions(options: RouteOptions, config: Config): ForwarderOptions {
  const { upstream, preserveHost, timeoutSeconds, maxConnections } = options;
  const { trustedProxies, limits } = config;
  return {
    upstream,
    preserveHost,
    trustedProxies,
    reservedHeaders: reservedHeaders(options, config),
    idleTimeoutSeconds: limits.idleTimeoutSeconds,
    ...defined({ timeoutSeconds, maxConnections, maxRequestBytes: limits.maxRequestBytes }),
  };
}

/** What only we may say to an upstream, and what was said to us about the client's certificate. */
function reservedHeaders({ claimHeaders = {} }: RouteOptions, { proxyCertificate }: Config): string[] {
  const { format, header = format === 'envoy' ? 'X-Forwarded-Client-Cert' : 'Client-Cert' } =
    proxyCertificate ?? {};
  return [...Object.keys(claimHeaders), ...(format === undefined ? [] : [header])];
}

export function authorizerOptions(
  { requiredScopes, realm, issuer, acceptJwts, resourceMetadata }: RouteOptions,
  servers: AuthorizationServers,
  trust: RequestTrust,
): AdapterOptions {
  return {
    ...trust,
    ...defined({ resourceMetadata }),
    client: servers.clientOf(issuer),
    requiredScopes,
    realm,
    ...(acceptJwts && { acceptJwts: createAcceptJwts(acceptJwts) }),
  };
}

/** The connections of the fast lane. Nothing where more than bytes is asked of us: that is for the general lane. */
export function createPool(
  { upstream, timeoutSeconds, maxConnections, claimHeaders }: RouteOptions,
  { trustedProxies, fastLane, dpop, limits }: Config,
  isTraced: boolean,
): UpstreamPool | undefined {
  const { protocol, hostname, port } = new URL(upstream);
  const asksMore = claimHeaders !== undefined || dpop !== undefined || trustedProxies.length > 0 || isTraced;
  if (!fastLane || asksMore || protocol !== 'http:') return undefined;
  return new UpstreamPool({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 80),
    maxConnections: maxConnections ?? 256,
    connectTimeoutSeconds: 5,
    timeoutSeconds: timeoutSeconds ?? 30,
    idleTimeoutSeconds: limits.idleTimeoutSeconds,
  });
}
