import { AggregatorRegistry } from 'prom-client';
import type { Config } from './config-schema.js';
import { type Instance, startInstance } from './instance.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';
import { createProcessLink } from './process-link.js';
import type { Revocation } from './revocation.js';

/** What the first process tells a worker. A start is answered with the URL. */
export type Order =
  | { readonly type: 'start' | 'reload'; readonly config: Config }
  | { readonly type: 'revoke'; readonly revocation: Revocation }
  | { readonly type: 'close' | 'drain' };

/** What a worker tells the first process: that it hears orders, or what all workers are to forget. */
export type Request =
  | { readonly type: 'ready' }
  | { readonly type: 'revoke'; readonly revocation: Revocation };

/** What each worker does: as it is told. */
export function runWorker(): void {
  const metrics = createMetrics();
  AggregatorRegistry.setRegistries([metrics.registry]);
  // makes the first process' requests for metrics heard here
  new AggregatorRegistry();
  let instance: Instance | undefined;
  // the first process decides when to end; a terminal sends its signals to all of us
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit());

  const revokeEverywhere = async (revocation: Revocation) =>
    void (await link.ask({ type: 'revoke', revocation }));

  async function obey(order: Order): Promise<string | undefined> {
    if (order.type === 'start') {
      const log = createLog(order.config.log.level);
      instance = await startInstance(order.config, log, metrics, revokeEverywhere);
      return instance.url;
    }
    if (order.type === 'reload') await instance?.reload(order.config);
    if (order.type === 'close') await instance?.close();
    if (order.type !== 'drain') return undefined;
    await instance?.drain();
    process.exit(0);
  }

  let obeyed: Promise<unknown> = Promise.resolve();
  async function take(order: Order): Promise<string | undefined> {
    // at once: a drain may wait for a logout, which waits for this
    if (order.type === 'revoke') {
      await instance?.revoke(order.revocation);
      return undefined;
    }
    const done = obeyed.then(() => obey(order));
    obeyed = done.catch(() => {});
    return done;
  }

  // without a function to tell, a first process that is gone would be an error that nobody handles
  const send = (message: object) => process.send?.(message, undefined, undefined, () => {});
  const link = createProcessLink<Request, Order>(send, take);
  process.on('message', link.hear);
  link.ask({ type: 'ready' });
}
