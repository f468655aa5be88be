import { overloaded } from './errors.js';

/** Runs at most so many tasks at once; the next ones queue, and beyond the queue's end they are refused. */
export type ConcurrencyLimit = <T>(task: () => Promise<T>, patienceSeconds: number) => Promise<T>;

/**
 * Rejects with ERR_OVERLOADED when the queue is full, or a task had to wait in it for longer than its patience: it never
 * starts. Were the wait as long as all the time it has, a queue that is never empty would hand out places to tasks that
 * have no time left.
 */
export function createConcurrencyLimit(maxRunning: number, maxQueued: number): ConcurrencyLimit {
  const queue = new Set<() => void>();
  let running = 0;

  function place(patienceSeconds: number): Promise<void> | undefined {
    if (running < maxRunning) {
      running++;
      return undefined;
    }
    if (queue.size >= maxQueued) throw overloaded();
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        queue.delete(enter);
        reject(overloaded());
      }, patienceSeconds * 1000);
      queue.add(enter);
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

  return async (task, patienceSeconds) => {
    await place(patienceSeconds);
    try {
      return await task();
    } finally {
      leave();
    }
  };
}
