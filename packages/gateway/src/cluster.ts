import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from './config-schema.js';
import { type Instance, startInstance } from './instance.js';
import type { Log } from './log.js';
import { createMetrics } from './metrics.js';

/** Several processes that share a port. The first one only watches over the others. */

type Order = { readonly type: 'start' | 'reload'; readonly config: Config } | { readonly type: 'drain' };
type Report =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'reloaded' }
  | { readonly type: 'failed'; readonly message: string };

export interface Cluster extends Instance {
  isReady(): boolean;
  collect(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** Starts the workers and resolves when all of them listen. One that dies is replaced. */
export async function startCluster(config: Config, log: Log): Promise<Cluster> {
  let current = config;
  let isDraining = false;
  const listening = new Set<Worker>();
  const registry = new AggregatorRegistry();
  const live = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const tell = (worker: Worker, order: Order) => worker.send(order);

  const start = () =>
    new Promise<string>((resolve, reject) => {
      const worker = cluster.fork();
      worker.on('message', (report: Report) => {
        if (report.type === 'failed') reject(new Error(report.message));
        if (report.type !== 'listening') return;
        listening.add(worker);
        resolve(report.url);
      });
      worker.on('exit', () => {
        const wasListening = listening.delete(worker);
        if (isDraining || !wasListening) return;
        log.error('a worker ended; another one takes its place');
        start().catch((error: Error) => log.error({ reason: error.message }, 'a worker could not start'));
      });
      worker.on('online', () => tell(worker, { type: 'start', config: current }));
    });

  const urls = await Promise.all(Array.from({ length: config.workers }, start));
  return {
    url: urls[0] as string,
    async reload(next) {
      // a worker that takes the place of another begins with it
      current = next;
      await Promise.all(live().map((worker) => reloadWorker(worker, next)));
    },
    async drain() {
      isDraining = true;
      const ended = live().map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
      for (const worker of live()) tell(worker, { type: 'drain' });
      await Promise.all(ended);
    },
    isReady: () => !isDraining && listening.size === config.workers,
    collect: async () => ({ text: await registry.clusterMetrics(), contentType: registry.contentType }),
  };
}

function reloadWorker(worker: Worker, config: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = () => resolve();
    const onReport = (report: Report) => {
      if (report.type !== 'reloaded' && report.type !== 'failed') return;
      worker.off('message', onReport).off('exit', onExit);
      if (report.type === 'failed') reject(new Error(report.message));
      else resolve();
    };
    worker.on('message', onReport).on('exit', onExit);
    worker.send({ type: 'reload', config } satisfies Order);
  });
}

/** What each worker does: as it is told. */
export function runWorker(createLog: (level: string) => Log): void {
  const metrics = createMetrics();
  AggregatorRegistry.setRegistries([metrics.registry]);
  let instance: Instance | undefined;
  const report = (message: Report) => process.send?.(message);
  // the first process decides when to end; a terminal sends its signals to all of us
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit());
  const obey = async (order: Order) => {
    try {
      if (order.type === 'start') {
        instance = await startInstance(order.config, createLog(order.config.log.level), metrics);
        report({ type: 'listening', url: instance.url });
      } else if (order.type === 'reload') {
        await instance?.reload(order.config);
        report({ type: 'reloaded' });
      } else if (order.type === 'drain') {
        await instance?.drain();
        process.exit(0);
      }
    } catch (error) {
      report({ type: 'failed', message: (error as Error).message });
    }
  };
  let obeyed = Promise.resolve();
  process.on('message', (order: Order) => {
    obeyed = obeyed.then(() => obey(order));
  });
}
