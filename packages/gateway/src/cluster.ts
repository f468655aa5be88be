import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from './config-schema.js';
import type { Log } from './log.js';
import { createProcessLink, type ProcessLink } from './process-link.js';
import type { Processes } from './processes.js';
import type { Revocation } from './revocation.js';
import type { Order, Request } from './worker.js';

/** How long until a worker that could not start is tried again. */
const retryMilliseconds = 1000;

/**
 * Starts workers that share a port, which this process only watches over, and resolves when all of them listen. One that
 * dies is replaced.
 */
export async function startCluster(config: Config, log: Log): Promise<Processes> {
  let current = config;
  let isDraining = false;
  /** Those that hear what they are told, and how they are told. */
  const ready = new Map<Worker, ProcessLink<Order>>();
  const listening = new Set<Worker>();
  const registry = new AggregatorRegistry();
  const live = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

  const start = () =>
    new Promise<string>((resolve, reject) => {
      const worker = cluster.fork();

      async function begin(): Promise<void> {
        // not on 'online': it does not hear of anything by then
        ready.set(worker, link);
        if (isDraining) return tell(worker, { type: 'drain' });
        const url = await link.ask({ type: 'start', config: current });
        if (url === undefined) return;
        listening.add(worker);
        resolve(url);
      }

      // one that has just died hears nothing; its exit is told
      const send = (message: object) => void worker.send(message, () => {});
      const link = createProcessLink<Order, Request>(send, async (request) => {
        if (request.type === 'revoke') await revoke(request.revocation);
        else
          begin().catch((error) => {
            reject(error);
            worker.process.kill('SIGKILL');
          });
        return undefined;
      });
      worker.on('message', link.hear);
      worker.on('exit', () => {
        link.end();
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

  const ask = async (worker: Worker, order: Order) => void (await ready.get(worker)?.ask(order));
  const tell = (worker: Worker, order: Order) => void ask(worker, order).catch(() => {});
  const askAll = (order: Order) => Promise.all([...ready.keys()].map((worker) => ask(worker, order)));
  const revoke = async (revocation: Revocation) => void (await askAll({ type: 'revoke', revocation }));
  const reloadOne = (worker: Worker, to: Config) => ask(worker, { type: 'reload', config: to });

  /** All are to go by the same configuration: one that cannot go back makes room for another. */
  const takeBack = (worker: Worker) =>
    reloadOne(worker, current).catch(() => tell(worker, { type: 'drain' }));

  const urls = await Promise.all(Array.from({ length: config.workers }, start));
  return {
    url: urls[0] as string,
    async reload(next) {
      const obeyed = new Set<Worker>();
      // one that joins meanwhile begins with the old one
      const others = () => [...ready.keys()].filter((it) => !obeyed.has(it));
      for (let untold = others(); untold.length > 0; untold = others()) {
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
    revoke,
    async drain() {
      isDraining = true;
      // a client that one worker sends away must not come in again at another's
      await askAll({ type: 'close' });
      const ended = live().map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
      for (const worker of ready.keys()) tell(worker, { type: 'drain' });
      await Promise.all(ended);
    },
    isReady: () => !isDraining && listening.size === config.workers,
    collect: async () => ({ text: await registry.clusterMetrics(), contentType: registry.contentType }),
  };
}
