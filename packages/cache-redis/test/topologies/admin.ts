import { Redis } from 'ioredis';
import type { Owned } from './owned.js';

export interface AdminOptions {
  readonly password?: string;
  readonly ca?: string;
}

/** The test's own connection to one server, to break and look at it: waits for the server, and tells of errors. */
export interface Admin extends Owned {
  readonly redis: Redis;
}

export async function openAdmin(
  { port }: { readonly port: number },
  { password, ca }: AdminOptions = {},
): Promise<Admin> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { tls: { ca } }),
  });
  redis.on('error', () => {});
  await redis.connect();
  return {
    redis,
    async end() {
      redis.disconnect();
    },
  };
}
