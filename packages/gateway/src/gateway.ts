import { startAdminServer } from './admin-server.js';
import type { Config } from './config-schema.js';
import { describeHiddenRoutes } from './hidden-routes.js';
import { createLog, type Log } from './log.js';
import type { Processes } from './processes.js';
import type { Revocation } from './revocation.js';

/** A gateway that listens. */
export interface Gateway {
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** Goes on with another configuration. @throws where that asks for what needs a restart. */
  reload(next: Config): Promise<void>;
  /** Accepts no more connections; resolves when everything under way has ended, or when the time for that is over. */
  drain(): Promise<void>;
}

/** Starts what a configuration describes. */
export async function startGateway(config: Config, log: Log): Promise<Gateway> {
  for (const warning of describeHiddenRoutes(config)) log.warn(warning);
  const instance = await startProcesses(config, log);
  let current = config;
  const revoke = async (revocation: Revocation) => {
    const { issuer } = revocation;
    if (typeof issuer === 'string' && !Object.hasOwn(current.issuers, issuer))
      throw new TypeError('issuer is not one of issuers');
    await instance.revoke(revocation);
  };
  const adminUrl = config.admin && (await startAdminServer({ ...config.admin, ...instance, revoke }));
  return {
    url: instance.url,
    adminUrl,
    async reload(next) {
      if (fixedParts(current) !== fixedParts(next))
        throw new Error('listen, workers, admin and limits need a restart');
      await instance.reload(next);
      current = next;
    },
    drain: () => instance.drain(),
  };
}

/**
 * Starts a gateway, and obeys signals.
 * @param readAgain Gives the configuration of the moment, for a reload.
 */
export async function runGateway(config: Config, readAgain: () => Promise<Config>): Promise<void> {
  const log = createLog(config.log.level);
  const gateway = await startGateway(config, log);
  let isDraining = false;

  async function reload(): Promise<void> {
    try {
      await gateway.reload(await readAgain());
      log.info('reloaded');
    } catch (error) {
      const { message } = error as Error;
      log.error({ reason: message }, 'the configuration was not reloaded; going on with the old one');
    }
  }

  async function drain(): Promise<void> {
    if (isDraining) return;
    isDraining = true;
    log.info('draining');
    await gateway.drain();
    log.info('ended');
    process.exit(0);
  }

  // one after the other, so that the file as it was last is what counts
  let reloading = Promise.resolve();
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void drain());
  // whatever the level, since scripts wait for it
  const { url, adminUrl } = gateway;
  log
    .child({}, { level: 'info' })
    .info({ url, ...(adminUrl === undefined ? {} : { adminUrl }) }, 'listening');
}

async function startProcesses(config: Config, log: Log): Promise<Processes> {
  if (config.workers > 1) return (await import('./cluster.js')).startCluster(config, log);
  return (await import('./single-process.js')).startSingleProcess(config, log);
}

/** What a reload cannot change. */
const fixedParts = ({ listen, workers, admin, limits }: Config) =>
  JSON.stringify([listen, workers, admin, limits]);
