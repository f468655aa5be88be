import { redisCache, redisReplayStore } from '@phantom-token/cache-redis';
import {
  type JwtMinter,
  memoryCache,
  type PhantomTokenClient,
  type PhantomTokenEvent,
  type ReplayStore,
  tieredCache,
} from '@phantom-token/core';
import type { Config } from './config-schema.js';
import { defined } from './defined.js';
import { createIntrospectionClient } from './introspection-client.js';
import type { Log } from './log.js';
import { connectRedis } from './redis-connection.js';

/** The authorization servers of a configuration, and what was learned from them. They share caches, not answers. */
export interface AuthorizationServers {
  /** The client for an issuer of `issuers`, or for `introspection`. */
  clientOf(issuer: string | undefined): PhantomTokenClient;
  readonly minters: readonly JwtMinter[];
  /** Where instances tell each other which proofs they have seen; nothing without Redis. */
  readonly replayStore: ReplayStore | undefined;
  close(): Promise<void>;
}

export async function createAuthorizationServers(
  config: Config,
  onEvent: (event: PhantomTokenEvent, issuer: string | undefined) => void,
  log: Log,
): Promise<AuthorizationServers> {
  const { redis: redisOptions, maxEntries, ...freshness } = config.cache;
  const near = memoryCache(defined({ maxEntries }));
  const redis = redisOptions && connectRedis(redisOptions.url, log);
  const prefix = defined({ keyPrefix: redisOptions?.keyPrefix });
  const cache = redis === undefined ? near : tieredCache(near, redisCache(redis, prefix));
  const named = [[undefined, config.introspection] as const, ...Object.entries(config.issuers)];
  const servers = new Map(
    await Promise.all(
      named.map(async ([name, options]) => {
        const listener = (event: PhantomTokenEvent) => onEvent(event, name);
        return [name, await createIntrospectionClient(options, freshness, cache, listener)] as const;
      }),
    ),
  );
  const all = [...servers.values()];
  return {
    clientOf(issuer) {
      const server = servers.get(issuer);
      if (server === undefined) throw new TypeError(`issuers has no "${issuer}"`);
      return server.client;
    },
    minters: all.flatMap(({ minter }) => minter ?? []),
    replayStore: redis && redisReplayStore(redis, prefix),
    async close() {
      redis?.disconnect();
      await Promise.all(all.map((server) => server.close()));
    },
  };
}
