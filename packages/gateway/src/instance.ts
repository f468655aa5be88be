import type { PhantomTokenEvent } from '@phantom-token/core';
import { createAuthorizationServers } from './authorization-servers.js';
import type { Config } from './config-schema.js';
import { type GatewayServer, startServer } from './gateway-server.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import type { Revocation, RevokeEverywhere } from './revocation.js';
import { createRuntime } from './runtime.js';
import { joinTelemetry } from './telemetry.js';

/** One process that serves: a server, and the runtime that a reload replaces. */
export interface Instance {
  readonly url: string;
  /** Goes on with another configuration; requests under way end with the old one. What listens stays as it is. */
  reload(config: Config): Promise<void>;
  /** Forgets tokens here at once; rejects when other instances could not be told. */
  revoke(revocation: Revocation): Promise<void>;
  /** Resolves when it accepts no more connections. */
  close(): Promise<void>;
  /** Does so too; resolves when everything under way has ended, or when the time for that is over. */
  drain(): Promise<void>;
}

/** How long the same authorization servers are asked. Afterwards the last requests may still open a former breaker. */
interface Era {
  isOver: boolean;
}

/** @param revokeEverywhere Where there are other workers, how they hear of logouts. */
export async function startInstance(
  config: Config,
  log: Log,
  metrics: Metrics,
  revokeEverywhere?: RevokeEverywhere,
): Promise<Instance> {
  const startTrace = await joinTelemetry(metrics.registry);
  const listenTo = (era: Era) => (event: PhantomTokenEvent, issuer: string | undefined) => {
    if (event.type === 'breaker' && era.isOver) return;
    metrics.onEvent(event, issuer);
    logEvent(issuer === undefined ? log : log.child({ issuer }), event);
  };
  const connect = (to: Config, during: Era) =>
    createAuthorizationServers(to, listenTo(during), log, revokeEverywhere);
  let current = config;
  let era: Era = { isOver: false };
  let servers = await connect(config, era);
  const makeRuntime = (from: Config) => createRuntime(from, { servers, log, metrics, startTrace });
  let runtime = makeRuntime(config);
  const server: GatewayServer = await startServer(config, runtime);
  return {
    url: server.url,
    async reload(next) {
      const replaced = runtime;
      // what was learned of tokens is kept unless it may not be true any more
      const isSame = whomWeAsk(next) === whomWeAsk(current);
      const former = servers;
      const nextEra = isSame ? era : { isOver: false };
      if (!isSame) servers = await connect(next, nextEra);
      try {
        runtime = makeRuntime(next);
      } catch (error) {
        if (!isSame) await servers.close();
        servers = former;
        throw error;
      }
      if (!isSame) {
        // the new ones have breakers of their own
        era.isOver = true;
        metrics.closeBreakers();
      }
      era = nextEra;
      current = next;
      server.use(runtime);
      replaced
        .close()
        .then(() => (isSame ? undefined : former.close()))
        .catch((error: Error) => log.warn({ error: error.name }, 'closing the old configuration failed'));
    },
    revoke: (revocation) => servers.revoke(revocation),
    close: () => server.close(),
    async drain() {
      const timer = new Promise<void>((resolve) => {
        setTimeout(resolve, current.limits.drainSeconds * 1000).unref();
      });
      await Promise.race([server.drain(), timer]);
    },
  };
}

const whomWeAsk = ({ introspection, issuers, cache }: Config) =>
  JSON.stringify([introspection, issuers, cache]);

function logEvent(log: Log, event: PhantomTokenEvent): void {
  if (event.type === 'introspection' && event.outcome === 'unknown') {
    const { code, level, message, serverStatus } = event;
    log[level === 'error' ? 'error' : 'warn']({ code, serverStatus }, message);
  } else if (event.type === 'warning') {
    log.warn({ code: event.code }, event.message);
  } else if (event.type === 'breaker') {
    log.warn({ state: event.state }, `the breaker before the authorization server is ${event.state}`);
  } else if (event.type === 'revocation_gap') {
    log.warn('word of revocations may have been missed; what memory knew is asked anew');
  } else if (event.type === 'cache_error') {
    log.debug({ code: event.code, operation: event.operation }, 'the shared cache failed');
  }
}
