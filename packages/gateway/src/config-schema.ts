import { z } from 'zod';
import { isNetwork } from './network-list.js';

/** Whether a URL lacks these parts; what is no URL is reported as that. */
const hasNone = (text: string, ...parts: ('username' | 'password' | 'search' | 'hash')[]) =>
  !URL.canParse(text) || parts.every((part) => new URL(text)[part] === '');
const url = (protocols: RegExp, words: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.test(new URL(text).protocol), {
    error: `must be an absolute ${words} URL`,
  });
const webUrl = url(/^https?:$/, 'http: or https:').refine(
  (text) => hasNone(text, 'username', 'password', 'hash'),
  {
    error: 'must not have credentials or a fragment',
  },
);
const path = z.string().regex(/^\/[\w\-.~!$&'()*+,;=:@/]*$/, {
  error: 'must be a path that starts with a slash, such as /api',
});
const seconds = z
  .number({ error: 'must be a number of seconds' })
  .min(0, { error: 'must be 0 or more seconds' });
const positiveSeconds = z
  .number({ error: 'must be a number of seconds' })
  .gt(0, { error: 'must be more than 0 seconds' });
const count = (least: number) =>
  z
    .int({ error: `must be a whole number, ${least} or more` })
    .min(least, { error: `must be ${least} or more` });
const text = z.string({ error: 'must be a string' }).min(1, { error: 'must not be empty' });
const port = z
  .int({ error: 'must be a port number, 0 to 65535' })
  .min(0)
  .max(65_535, { error: 'must be a port number, 0 to 65535' });
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
  error: 'must be a single scope: no spaces, quotes or backslashes',
});
const realm = z.string().regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, {
  error: 'must be printable ASCII without quotes and backslashes',
});

const algorithm = z.string().regex(/^(?:[REP]S(?:256|384|512)|EdDSA|Ed25519)$/, {
  error: 'must be an asymmetric algorithm, such as RS256',
});

const networks = z.array(
  z.string().refine(isNetwork, { error: 'must be an address or a network such as 10.0.0.0/8' }),
  { error: 'must be a list of addresses and networks' },
);

const clientAuth = z.strictObject({
  method: z.enum(['client_secret_basic', 'client_secret_post'], {
    error: 'must be client_secret_basic or client_secret_post',
  }),
  clientId: text,
  clientSecret: text,
});

const introspection = z.strictObject({
  endpoint: webUrl.optional(),
  issuer: webUrl.optional(),
  clientAuth,
  accept: z
    .enum(['application/jwt', 'application/json'], { error: 'must be application/jwt or application/json' })
    .optional(),
  jwtMembers: z.array(text).min(1, { error: 'must name at least one member' }).optional(),
  audience: z
    .union([text, z.array(text).min(1)], { error: 'must be a string or a list of strings' })
    .optional(),
  timeoutSeconds: positiveSeconds.optional(),
  maxResponseBytes: count(1).optional(),
  maxTokenLength: count(1).optional(),
  maxConcurrentIntrospections: count(1).optional(),
  maxQueuedIntrospections: count(0).optional(),
  maxWaiters: count(0).optional(),
  breakerFailures: count(0).default(5),
  allowInsecureRequests: z.boolean({ error: 'must be true or false' }).optional(),
  badRequestMeansInactive: z.boolean({ error: 'must be true or false' }).optional(),
  verify: z
    .strictObject({
      issuer: text,
      audience: z
        .union([text, z.array(text).min(1)], { error: 'must be a string or a list of strings' })
        .optional(),
      jwksUri: webUrl,
      algorithms: z.array(algorithm).min(1, { error: 'must name at least one algorithm' }).optional(),
      typ: z.array(text).min(1).optional(),
    })
    .optional(),
});

const cache = z.strictObject({
  maxEntries: count(1).optional(),
  maxTtlSeconds: seconds.optional(),
  earlyExpirySeconds: seconds.optional(),
  inactiveTtlSeconds: seconds.optional(),
  noExpiryTtlSeconds: seconds.optional(),
  obeyCacheControl: z.boolean({ error: 'must be true or false' }).optional(),
  redis: z
    .strictObject({
      url: url(/^rediss?:$/, 'redis: or rediss:'),
      keyPrefix: text.optional(),
    })
    .optional(),
});

const route = z.strictObject({
  path,
  upstream: webUrl.refine((text) => hasNone(text, 'search'), { error: 'must not have a query' }),
  stripPath: z.boolean({ error: 'must be true or false' }).default(false),
  requiredScopes: z.array(scope, { error: 'must be a list of scopes' }).default([]),
  realm: realm.default('api'),
  resourceMetadata: webUrl.optional(),
  auth: z.enum(['required', 'none'], { error: 'must be required or none' }).default('required'),
  letPreflightsPass: z.boolean({ error: 'must be true or false' }).default(true),
  preserveHost: z.boolean({ error: 'must be true or false' }).default(false),
  timeoutSeconds: seconds.optional(),
  maxConnections: count(1).optional(),
});

const listen = z.strictObject({
  host: text.default('127.0.0.1'),
  port: port.default(3000),
  tls: z.strictObject({ certFile: text, keyFile: text }).optional(),
});

const limits = z
  .strictObject({
    headersTimeoutSeconds: positiveSeconds.default(10),
    idleTimeoutSeconds: seconds.default(300),
    keepAliveSeconds: seconds.default(60),
    maxHeaderBytes: count(1024).default(16_384),
    maxHeaders: count(1).default(100),
    maxRequestBytes: count(1).optional(),
    drainSeconds: seconds.default(30),
  })
  .prefault({});

export const configSchema = z.strictObject({
  listen: listen.prefault({}),
  workers: count(1).default(1),
  trustedProxies: networks.default([]),
  introspection,
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
      letPreflightsPass: z.boolean({ error: 'must be true or false' }).default(false),
    })
    .optional(),
  admin: z.strictObject({ host: text.default('127.0.0.1'), port }).optional(),
  limits,
  fastLane: z.boolean({ error: 'must be true or false' }).default(true),
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
