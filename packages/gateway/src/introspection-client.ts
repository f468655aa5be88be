import { redisCache } from '@phantom-token/cache-redis';
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  createPhantomTokenClient,
  discover,
  jwtVerifier,
  memoryCache,
  type PhantomTokenClient,
  type PhantomTokenEvent,
  type TokenCache,
  tieredCache,
} from '@phantom-token/core';
import { createFetch } from '@phantom-token/core/node';
import { Redis } from 'ioredis';
import type { Config } from './config-schema.js';
import type { Log } from './log.js';

export interface IntrospectionClient {
  readonly client: PhantomTokenClient;
  close(): Promise<void>;
}

/** The client that a configuration describes, with connections of its own to the authorization server and to Redis. */
export async function createIntrospectionClient(
  { introspection, cache }: Config,
  onEvent: (event: PhantomTokenEvent) => void,
  log: Log,
): Promise<IntrospectionClient> {
  const { endpoint, issuer, clientAuth, verify, ...rest } = introspection;
  const { redis: redisOptions, maxEntries, ...freshness } = cache;
  const fetch = createFetch({ connections: rest.maxConcurrentIntrospections ?? 64 });
  const { allowInsecureRequests = false } = rest;
  const server =
    endpoint === undefined
      ? await discover(issuer as string, { fetch, allowInsecureRequests })
      : { introspectionEndpoint: endpoint };
  const near = memoryCache(defined({ maxEntries }));
  const redis = redisOptions && connect(redisOptions.url, log);
  const verifyJwt = verify && jwtVerifier(defined({ ...verify, fetch, allowInsecureRequests }));
  const client = createPhantomTokenClient(
    defined({
      ...rest,
      ...freshness,
      ...server,
      issuer,
      clientAuth: createClientAuth(clientAuth),
      cache: redis === undefined ? near : tieredCache(near, shared(redis, redisOptions?.keyPrefix)),
      verifyJwt,
      fetch,
      onEvent,
    }),
  );
  return {
    client,
    async close() {
      redis?.disconnect();
      await fetch.close();
    },
  };
}

const shared = (redis: Redis, keyPrefix: string | undefined): TokenCache =>
  redisCache(redis, defined({ keyPrefix }));

/** The same without members that are not set, as exact optional types have it. */
function defined<T extends object>(members: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

function createClientAuth({
  method,
  clientId,
  clientSecret,
}: Config['introspection']['clientAuth']): ClientAuth {
  return method === 'client_secret_post'
    ? clientSecretPost(clientId, clientSecret)
    : clientSecretBasic(clientId, clientSecret);
}

/** A connection that never keeps a request waiting: nothing queues while Redis is away. One log line a change of state. */
function connect(url: string, log: Log): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 1000,
    connectTimeout: 2000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1000),
  });
  let isUp: boolean | undefined;
  redis.on('ready', () => {
    if (isUp === false) log.info('the shared cache is back');
    isUp = true;
  });
  redis.on('error', (error: Error & { code?: string }) => {
    if (isUp !== false)
      log.warn({ code: error.code ?? error.name }, 'the shared cache cannot be reached; going on without it');
    isUp = false;
  });
  return redis;
}
