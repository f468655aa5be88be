import { onTestFinished, vi } from 'vitest';
import type { Wait } from '../src/at-most.js';
import { CacheError } from '../src/cache-error.js';

/** After the machine stood still, however long, it is one. */
const tickMilliseconds = 5;

/**
 * How long work took, whatever it came to, by a clock that stands still while the machine does: for bounds that hold
 * however much else the machine has to do. Seconds.
 */
export async function ownSeconds(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, tickMilliseconds);
  await work().catch(() => {});
  clearInterval(timer);
  return (ticks * tickMilliseconds) / 1000;
}

/** As the package's own, by such a clock: a server that stands still together with this process is not unwell. */
export function beginWait<T>(seconds: number, work: Promise<T>): Wait<T> {
  let giveUp: Wait<T>['giveUp'] = () => {};
  const end = new Promise<T>((resolve, reject) => {
    let left = Math.ceil((seconds * 1000) / tickMilliseconds);
    const timer = setInterval(() => {
      if (--left > 0) return;
      clearInterval(timer);
      setImmediate(() => reject(new CacheError('ERR_CACHE_TIMEOUT')));
    }, tickMilliseconds);
    giveUp = (error) => {
      clearInterval(timer);
      reject(error);
    };
    work.finally(() => clearInterval(timer)).then(resolve, giveUp);
  });
  return { end, giveUp };
}

export const atMost = <T>(seconds: number, work: Promise<T>): Promise<T> => beginWait(seconds, work).end;

/** Until the test is over, time passes only when it is said to; servers and sockets go on. */
export function stopTime(): { pass(seconds: number): Promise<void> } {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return {
    async pass(seconds) {
      await vi.advanceTimersByTimeAsync(seconds * 1000);
      // what is over is told in the next turn
      await new Promise(setImmediate);
    },
  };
}
