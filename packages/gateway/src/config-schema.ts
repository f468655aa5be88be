import { z } from 'zod';
import { cache } from './config-cache.js';
import { introspection, verify } from './config-introspection.js';
import {
  algorithms,
  count,
  fieldName,
  file,
  flag,
  hasNone,
  networks,
  origin,
  path,
  port,
  positiveSeconds,
  positiveTimerSeconds,
  realm,
  scope,
  seconds,
  secret,
  text,
  timerSeconds,
  webUrl,
} from './config-values.js';

const route = z.strictObject({
  path,
  upstream: webUrl.refine((text) => hasNone(text, 'search'), { error: 'must not have a query' }),
  stripPath: flag.default(false),
  requiredScopes: z.array(scope, { error: 'must be a list of scopes' }).default([]),
  realm: realm.default('api'),
  resourceMetadata: webUrl.optional(),
  issuer: text.optional(),
  acceptJwts: verify.optional(),
  claimHeaders: z.record(z.string(), text).optional(),
  auth: z.enum(['required', 'none'], { error: 'must be required or none' }).default('required'),
  letPreflightsPass: flag.default(true),
  preserveHost: flag.default(false),
  timeoutSeconds: timerSeconds.optional(),
  maxConnections: count(1).optional(),
});

const listen = z.strictObject({
  host: text.default('127.0.0.1'),
  port: port.default(3000),
  tls: z
    .strictObject({
      certFile: file,
      keyFile: file,
      clientCertificates: z
        .enum(['none', 'request', 'require'], { error: 'must be none, request or require' })
        .default('none'),
      clientCaFile: file.optional(),
    })
    .optional(),
});

const limits = z
  .strictObject({
    headersTimeoutSeconds: positiveTimerSeconds.default(10),
    idleTimeoutSeconds: timerSeconds.default(300),
    keepAliveSeconds: timerSeconds.default(60),
    maxHeaderBytes: count(1024).default(16_384),
    maxHeaders: count(1).default(100),
    maxRequestBytes: count(1).optional(),
    drainSeconds: timerSeconds.default(30),
  })
  .prefault({});

const dpop = z.strictObject({
  origin: z.union([origin, z.array(origin).min(1)], { error: 'must be an origin or a list of origins' }),
  algorithms: algorithms.optional(),
  required: flag.optional(),
  maxAgeSeconds: positiveSeconds.optional(),
  clockSkewSeconds: seconds.optional(),
  nonceSecret: secret.optional(),
});

const proxyCertificate = z.strictObject({
  format: z.enum(['client-cert', 'nginx', 'envoy'], { error: 'must be client-cert, nginx or envoy' }),
  header: fieldName.optional(),
});

const protectedResource = z.strictObject({
  resource: webUrl,
  authorizationServers: z.array(webUrl).min(1).optional(),
  scopesSupported: z.array(scope).optional(),
  resourceName: text.optional(),
  resourceDocumentation: webUrl.optional(),
});

export const configSchema = z.strictObject({
  listen: listen.prefault({}),
  workers: count(1).default(1),
  trustedProxies: networks.default([]),
  introspection,
  issuers: z.record(z.string(), introspection).default({}),
  dpop: dpop.optional(),
  proxyCertificate: proxyCertificate.optional(),
  jwks: z.strictObject({ path }).optional(),
  protectedResource: protectedResource.optional(),
  cache: cache.prefault({}),
  routes: z.array(route, { error: 'must be a list of routes' }).default([]),
  forwardAuth: z
    .strictObject({
      path,
      allowFrom: networks.default([
        '127.0.0.0/8',
        '::1',
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        'fc00::/7',
        'fe80::/10',
      ]),
      realm: realm.default('api'),
      requiredScopes: z.array(scope).default([]),
      issuer: text.optional(),
      acceptJwts: verify.optional(),
      claimHeaders: z.record(z.string(), text).optional(),
      letPreflightsPass: flag.default(false),
    })
    .optional(),
  admin: z
    .strictObject({ host: text.default('127.0.0.1'), port, revocationSecret: secret.optional() })
    .optional(),
  limits,
  fastLane: flag.default(true),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'], {
          error: 'must be debug, info, warn, error or silent',
        })
        .default('info'),
    })
    .prefault({}),
});

/** What the configuration file says, checked and with its defaults. */
export type Config = z.infer<typeof configSchema>;
export type Route = Config['routes'][number];

/** The JSON Schema of the file, for editors; published as `gateway.schema.json`. */
export const buildJsonSchema = () => ({
  ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }),
  title: 'phantom-token gateway',
});
