import { z } from 'zod';
import { count, file, flag, positiveTimerSeconds, seconds, secret, text, url } from './config-values.js';
import { isRedisAddress } from './redis-address.js';

const redisUrl = url(/^rediss?:$/, 'redis: or rediss:');
const schemeOf = (address: string) => /^rediss?:(?=\/\/)/.exec(address)?.[0];
const redisAddress = z.string().refine(isRedisAddress, {
  error: 'must be a host and a port, such as redis-1.example.com:6379',
});
const addresses = z
  .array(redisAddress)
  .min(1, { error: 'must name at least one server' })
  .refine((all) => new Set(all.map(schemeOf)).size <= 1, {
    error: 'must all begin with redis:, all with rediss:, or none with either',
  });

const pepper = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.-]{1,32}$/, { error: 'must be 1 to 32 letters, digits, "_", "." or "-"' })
    .refine((id) => id !== 'none', { error: 'must be another: it stands for no pepper' }),
  secret,
});

const redis = z.strictObject({
  url: redisUrl.optional(),
  sentinels: addresses.optional(),
  name: text.optional(),
  cluster: addresses.optional(),
  username: text.optional(),
  password: text.optional(),
  sentinelUsername: text.optional(),
  sentinelPassword: text.optional(),
  tls: z
    .strictObject({ caFile: file.optional(), certFile: file.optional(), keyFile: file.optional() })
    .optional(),
  keyPrefix: text.optional(),
  pepper: pepper.optional(),
  formerPepper: pepper.optional(),
  commandTimeoutSeconds: positiveTimerSeconds.optional(),
});

/** What is kept of answers, and where. */
export const cache = z.strictObject({
  maxEntries: count(1).optional(),
  maxBytes: count(1).optional(),
  maxTtlSeconds: seconds.optional(),
  earlyExpirySeconds: seconds.optional(),
  inactiveTtlSeconds: seconds.optional(),
  noExpiryTtlSeconds: seconds.optional(),
  obeyCacheControl: flag.optional(),
  refreshAhead: z
    .number({ error: 'must be a share, 0 to 0.9' })
    .min(0)
    .max(0.9, { error: 'must be a share, 0 to 0.9' })
    .optional(),
  staleIfErrorSeconds: seconds.max(300, { error: 'must be 300 or fewer seconds' }).optional(),
  redis: redis.optional(),
});

export type CacheOptions = z.infer<typeof cache>;
export type RedisOptions = z.infer<typeof redis>;
