import { overloaded } from './errors.js';

/** Runs at most so many tasks at once; the next ones queue, and beyond the queue's end they are refused. */
export type ConcurrencyLimit = <T>(task: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Rejects with ERR_OVERLOADED when the queue is full. A task whose signal aborts while it queues never starts. */
export function createConcurrencyLimit(maxRunning: number, maxQueued: number): ConcurrencyLimit {
  const queue = new Set<() => void>();
  let running = 0;

  function place(signal: AbortSignal): Promise<void> | undefined {
    if (running < maxRunning) {
      running++;
      return undefined;
    }
    if (queue.size >= maxQueued) throw overloaded();
    return new Promise((resolve, reject) => {
      queue.add(resolve);
      signal.addEventListener('abort', () => queue.delete(resolve) && reject(signal.reason), { once: true });
    });
  }

  function leave() {
    const [next] = queue;
    if (next === undefined) {
      running--;
      return;
    }
    queue.delete(next);
    next();
  }

  return async (task, signal) => {
    await place(signal);
    try {
      return await task();
    } finally {
      leave();
    }
  };
}
