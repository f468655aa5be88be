import {
  type AdapterOptions,
  dpopNonces,
  dpopVerifier,
  jwtVerifier,
  type ReplayStore,
  resourceMetadataUrl,
} from '@phantom-token/core';
import { proxyCertificate } from '@phantom-token/core/node';
import type { z } from 'zod';
import type { verify } from './config-introspection.js';
import type { Config } from './config-schema.js';
import { defined } from './defined.js';

/** What the whole gateway has for judging requests, beside what a route asks for. */
export type RequestTrust = Pick<AdapterOptions, 'dpop' | 'clientCertificate'> & {
  /** The URL of the metadata that we publish (RFC 9728); named in challenges. */
  readonly resourceMetadata?: string;
};

/** @throws {TypeError} where the trust that is asked for cannot be. */
export function createRequestTrust(config: Config, replayStore: ReplayStore | undefined): RequestTrust {
  const { dpop, proxyCertificate: certificate, trustedProxies, protectedResource } = config;
  return defined({
    dpop: dpop && createDpop(dpop, replayStore),
    clientCertificate: certificate && proxyCertificate(defined({ ...certificate, trustedProxies })),
    resourceMetadata: protectedResource && resourceMetadataUrl(protectedResource.resource),
  });
}

function createDpop(
  { nonceSecret, ...options }: NonNullable<Config['dpop']>,
  replayStore: ReplayStore | undefined,
) {
  const nonce = nonceSecret === undefined ? undefined : dpopNonces({ secret: nonceSecret });
  return dpopVerifier(defined({ ...options, replayStore, nonce }));
}

/** The verifier of a route that takes JWTs as they are. */
export const createAcceptJwts = (options: z.infer<typeof verify>) => jwtVerifier(defined(options));
