import { startAdminServer } from './admin-server.js';
import type { Config } from './config-schema.js';
import { describeHiddenRoutes } from './hidden-routes.js';
import { createLog, type Log } from './log.js';
import type { Processes } from './processes.js';
import type { Revocation } from './revocation.js';

/**
 * Starts what a configuration describes, and obeys signals.
 * @param readAgain Gives the configuration of the moment, for a reload.
 */
export async function runGateway(config: Config, readAgain: () => Promise<Config>): Promise<void> {
  const log = createLog(config.log.level);
  for (const warning of describeHiddenRoutes(config)) log.warn(warning);
  const instance = await startProcesses(config, log);
  let isDraining = false;
  let current = config;
  const revoke = async (revocation: Revocation) => {
    const { issuer } = revocation;
    if (typeof issuer === 'string' && !Object.hasOwn(current.issuers, issuer))
      throw new TypeError('issuer is not one of issuers');
    await instance.revoke(revocation);
  };
  const adminUrl = config.admin && (await startAdminServer({ ...config.admin, ...instance, revoke }));

  async function reload(): Promise<void> {
    try {
      const next = await readAgain();
      if (fixedParts(current) !== fixedParts(next))
        throw new Error('listen, workers, admin and limits need a restart');
      await instance.reload(next);
      current = next;
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
    await instance.drain();
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
  log
    .child({}, { level: 'info' })
    .info({ url: instance.url, ...(adminUrl === undefined ? {} : { adminUrl }) }, 'listening');
}

async function startProcesses(config: Config, log: Log): Promise<Processes> {
  if (config.workers > 1) return (await import('./cluster.js')).startCluster(config, log);
  return (await import('./single-process.js')).startSingleProcess(config, log);
}

/** What a reload cannot change. */
const fixedParts = ({ listen, workers, admin, limits }: Config) =>
  JSON.stringify([listen, workers, admin, limits]);
