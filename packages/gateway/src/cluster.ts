import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from './config-schema.js';
import { type Instance, startInstance } from './instance.js';
import type { Log } from './log.js';
import { createMetrics } from './metrics.js';
import type { Revocation } from './revocation.js';

/** Several processes that share a port. The first one only watches over the others. */

type Order =
  | { readonly type: 'start' | 'reload'; readonly config: Config }
  | { readonly type: 'revoke'; readonly revocation: Revocation }
  | { readonly type: 'close' | 'drain' };
type Report =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'ready' | Done }
  | { readonly type: 'failed'; readonly message: string };

type Done = 'reloaded' | 'closed' | 'revoked';

export interface Cluster extends Omit<Instance, 'close'> {
  isReady(): boolean;
  collect(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** How long until a worker that could not start is tried again. */
const retryMilliseconds = 1000;

/** Starts the workers and resolves when all of them listen. One that dies is replaced. */
export async function startCluster(config: Config, log: Log): Promise<Cluster> {
  let current = config;
  let isDraining = false;
  /** Those that hear what they are told. */
  const ready = new Set<Worker>();
  const listening = new Set<Worker>();
  const registry = new AggregatorRegistry();
  const live = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

  const start = () =>
    new Promise<string>((resolve, reject) => {
      const worker = cluster.fork();
      worker.on('message', (report: Report) => {
        // not on 'online': it does not listen by then, and would never hear of it
        if (report.type === 'ready') {
          ready.add(worker);
          tell(worker, isDraining ? { type: 'drain' } : { type: 'start', config: current });
        }
        if (report.type === 'failed') reject(new Error(report.message));
        if (report.type !== 'listening') return;
        listening.add(worker);
        resolve(report.url);
      });
      worker.on('exit', () => {
        reject(new Error('it ended before it listened'));
        ready.delete(worker);
        const wasListening = listening.delete(worker);
        if (isDraining || !wasListening) return;
        log.error('a worker ended; another one takes its place');
        replace();
      });
    });

  function replace(): void {
    if (isDraining) return;
    start().catch((error: Error) => {
      log.error({ reason: error.message }, 'a worker could not start; trying again');
      setTimeout(replace, retryMilliseconds);
    });
  }

  const reloadOne = (worker: Worker, to: Config) => ask(worker, { type: 'reload', config: to }, 'reloaded');

  /** All are to go by the same configuration: one that cannot go back makes room for another. */
  const takeBack = (worker: Worker) =>
    reloadOne(worker, current).catch(() => void tell(worker, { type: 'drain' }));

  const urls = await Promise.all(Array.from({ length: config.workers }, start));
  return {
    url: urls[0] as string,
    async reload(next) {
      const obeyed = new Set<Worker>();
      // one that joins meanwhile begins with the old one
      for (let untold = [...ready]; untold.length > 0; untold = [...ready].filter((it) => !obeyed.has(it))) {
        const answers = await Promise.allSettled(untold.map((worker) => reloadOne(worker, next)));
        for (const [index, { status }] of answers.entries())
          if (status === 'fulfilled') obeyed.add(untold[index] as Worker);
        const failure = answers.find((answer) => answer.status === 'rejected');
        if (failure === undefined) continue;
        await Promise.all([...obeyed].filter((it) => ready.has(it)).map(takeBack));
        throw failure.reason;
      }
      // a worker that takes the place of another begins with it
      current = next;
    },
    async revoke(revocation) {
      await Promise.all([...ready].map((worker) => ask(worker, { type: 'revoke', revocation }, 'revoked')));
    },
    async drain() {
      isDraining = true;
      // a client that one worker sends away must not come in again at another's
      await Promise.all([...ready].map((worker) => ask(worker, { type: 'close' }, 'closed')));
      const ended = live().map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
      for (const worker of ready) tell(worker, { type: 'drain' });
      await Promise.all(ended);
    },
    isReady: () => !isDraining && listening.size === config.workers,
    collect: async () => ({ text: await registry.clusterMetrics(), contentType: registry.contentType }),
  };
}

// one that has just died hears nothing; its exit is told
const tell = (worker: Worker, order: Order) => worker.send(order, () => {});

/** Resolves when the worker has done it, or has ended. */
function ask(worker: Worker, order: Order, done: Done): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = () => resolve();
    const onReport = (report: Report) => {
      if (report.type !== done && report.type !== 'failed') return;
      worker.off('message', onReport).off('exit', onExit);
      if (report.type === 'failed') reject(new Error(report.message));
      else resolve();
    };
    worker.on('message', onReport).on('exit', onExit);
    tell(worker, order);
  });
}

/** What each worker does: as it is told. */
export function runWorker(createLog: (level: string) => Log): void {
  const metrics = createMetrics();
  AggregatorRegistry.setRegistries([metrics.registry]);
  // makes the first process' requests for metrics heard here
  new AggregatorRegistry();
  let instance: Instance | undefined;
  // without a function to tell, a first process that is gone would be an error that nobody handles
  const report = (message: Report, sent = () => {}) => process.send?.(message, undefined, undefined, sent);
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
      } else if (order.type === 'revoke') {
        await instance?.revoke(order.revocation);
        report({ type: 'revoked' });
      } else if (order.type === 'close') {
        await instance?.close();
        report({ type: 'closed' });
      } else if (order.type === 'drain') {
        await instance?.drain();
        process.exit(0);
      }
    } catch (error) {
      const hasStarted = instance !== undefined;
      report({ type: 'failed', message: (error as Error).message }, () => hasStarted || process.exit(1));
    }
  };
  let obeyed = Promise.resolve();
  process.on('message', (order: Order) => {
    obeyed = obeyed.then(() => obey(order));
  });
  report({ type: 'ready' });
}
