import { z } from 'zod';
import { clientAuthMethods } from './config-contradictions.js';
import {
  algorithm,
  algorithms,
  audience,
  count,
  file,
  flag,
  path,
  positiveSeconds,
  positiveTimerSeconds,
  text,
  webUrl,
} from './config-values.js';

const clientAuth = z.strictObject({
  method: z.enum(clientAuthMethods, { error: `must be one of ${clientAuthMethods.join(', ')}` }),
  clientId: text,
  clientSecret: text.optional(),
  clientSecretFile: file.optional(),
  token: text.optional(),
  tokenFile: file.optional(),
  encoding: z.enum(['form', 'raw'], { error: 'must be form or raw' }).optional(),
  keyFile: file.optional(),
  algorithm: text.optional(),
  keyId: text.optional(),
  audience: text.optional(),
});

const tls = z.strictObject({ caFile: file.optional(), certFile: file.optional(), keyFile: file.optional() });

/** How the JWT of an issuer is verified. */
export const verify = z.strictObject({
  issuer: text,
  audience: audience.optional(),
  jwksUri: webUrl,
  algorithms: algorithms.optional(),
  typ: z.array(text).min(1).optional(),
});

const signedResponse = z.strictObject({
  issuer: text,
  audience: audience.optional(),
  jwksUri: webUrl,
  algorithms: algorithms.optional(),
  decryptionKeyFiles: z.array(file).min(1).optional(),
  maxAgeSeconds: positiveSeconds.optional(),
});

const mint = z.strictObject({
  issuer: webUrl,
  keyFiles: z.array(file).min(1, { error: 'must name at least one file' }),
  audience: audience.optional(),
  algorithm: algorithm.optional(),
  typ: text.optional(),
  requireTokenType: flag.optional(),
});

/** Where the authorization server tells us that somebody has logged out (OpenID Connect Back-Channel Logout 1.0). */
const logout = z.strictObject({
  path,
  issuer: text.optional(),
  audience,
  jwksUri: webUrl,
  algorithms: algorithms.optional(),
  requireTyp: flag.optional(),
  requireExp: flag.optional(),
  wholeSubject: flag.optional(),
});

const mediaTypes = ['application/jwt', 'application/json', 'application/token-introspection+jwt'] as const;

/** An authorization server, and how it is asked. */
export const introspection = z.strictObject({
  endpoint: webUrl.optional(),
  issuer: webUrl.optional(),
  clientAuth,
  tls: tls.optional(),
  accept: z.enum(mediaTypes, { error: `must be one of ${mediaTypes.join(', ')}` }).optional(),
  signedResponse: signedResponse.optional(),
  jwtMembers: z.array(text).min(1, { error: 'must name at least one member' }).optional(),
  audience: audience.optional(),
  timeoutSeconds: positiveTimerSeconds.optional(),
  maxResponseBytes: count(1).optional(),
  maxTokenLength: count(1).optional(),
  maxConcurrentIntrospections: count(1).optional(),
  maxQueuedIntrospections: count(0).optional(),
  maxWaiters: count(0).optional(),
  breakerFailures: count(0).default(5),
  allowInsecureRequests: flag.optional(),
  badRequestMeansInactive: flag.optional(),
  verify: verify.optional(),
  mint: mint.optional(),
  logout: logout.optional(),
});

export type Introspection = z.infer<typeof introspection>;
