import {
  type JwtMinter,
  type LogoutReceiver,
  type LogoutTarget,
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
import type { Revocation, RevokeEverywhere } from './revocation.js';

/** The authorization servers of a configuration, and what was learned from them. They share caches, not answers. */
export interface AuthorizationServers {
  /** The client for an issuer of `issuers`, or for `introspection`. */
  clientOf(issuer: string | undefined): PhantomTokenClient;
  readonly minters: readonly JwtMinter[];
  /** What receives logout tokens, by path. */
  readonly logouts: ReadonlyMap<string, LogoutReceiver>;
  /** Where instances tell each other which proofs they have seen; nothing without Redis. */
  readonly replayStore: ReplayStore | undefined;
  /** Rejects when other instances could not be told. */
  revoke(revocation: Revocation): Promise<void>;
  close(): Promise<void>;
}

export async function createAuthorizationServers(
  config: Config,
  onEvent: (event: PhantomTokenEvent, issuer: string | undefined) => void,
  log: Log,
  revokeEverywhere?: RevokeEverywhere,
): Promise<AuthorizationServers> {
  const { redis: redisOptions, maxEntries, maxBytes, ...freshness } = config.cache;
  const near = memoryCache(defined({ maxEntries, maxBytes }));
  const shared = redisOptions && (await import('./shared-tier.js')).openShared(redisOptions, freshness, log);
  const cache = shared === undefined ? near : tieredCache(near, shared.cache);
  const { commandTimeoutSeconds } = redisOptions ?? {};
  // a little more than what Redis itself is waited for
  const cacheTimeoutSeconds = commandTimeoutSeconds && commandTimeoutSeconds + 0.01;
  const named = [[undefined, config.introspection] as const, ...Object.entries(config.issuers)];
  const made = await Promise.allSettled(
    named.map(async ([name, options]) => {
      const listener = (event: PhantomTokenEvent) => onEvent(event, name);
      const common = defined({
        ...freshness,
        cache,
        cacheTimeoutSeconds,
        revocations: shared?.revocations,
        onEvent: listener,
      });
      // where Redis is shared, other workers hear of logouts through it
      const tell = shared === undefined ? revokeEverywhere : undefined;
      const target = tell && everywhere(name, tell);
      const client = await createIntrospectionClient(options, common, shared?.replayStore, target);
      return [name, client] as const;
    }),
  );
  const servers = new Map(made.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])));
  const all = [...servers.values()];
  const close = async () => {
    await Promise.all(all.map((server) => server.close())).finally(() => shared?.close());
  };
  const failure = made.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) {
    await close();
    throw failure.reason;
  }
  return {
    clientOf(issuer) {
      const server = servers.get(issuer);
      if (server === undefined) throw new TypeError(`issuers has no "${issuer}"`);
      return server.client;
    },
    logouts: new Map(all.flatMap(({ logout }) => (logout ? [[logout.path, logout.receiver] as const] : []))),
    minters: all.flatMap(({ minter }) => minter ?? []),
    replayStore: shared?.replayStore,
    async revoke({ issuer, ...what }) {
      const meant = issuer === undefined ? all : [servers.get(issuer ?? undefined)];
      const concerned = meant.filter((it) => it !== undefined);
      await Promise.all(concerned.map(({ client }) => revokeAt(client, what)));
    },
    close,
  };
}

/** What logouts at one authorization server are passed on to, for all workers. */
const everywhere = (name: string | undefined, revoke: RevokeEverywhere): LogoutTarget => ({
  revokeBySubject: (sub) => revoke({ sub, issuer: name ?? null }),
  revokeBySession: (sid) => revoke({ sid, issuer: name ?? null }),
});

function revokeAt(client: PhantomTokenClient, what: Omit<Revocation, 'issuer'>): Promise<void> {
  if ('token' in what) return client.revoke(what.token as string);
  if ('sub' in what) return client.revokeBySubject(what.sub as string);
  return client.revokeBySession((what as { sid: string }).sid);
}
