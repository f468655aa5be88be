import { onTestFinished, vi } from 'vitest';

/** After the machine stood still, however long, it is one. */
const tickMilliseconds = 5;

let ownMilliseconds = 0;
setInterval(() => {
  ownMilliseconds += tickMilliseconds;
}, tickMilliseconds).unref();

/** As the package's own, but stands still while the machine does. */
export const clock = () => ownMilliseconds;

/**
 * How long work took, whatever it came to, by such a clock: for bounds that hold however much else the machine has to do.
 * Seconds.
 */
export async function ownSeconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = clock();
  await work().catch(() => {});
  return (clock() - startedAt) / 1000;
}

/** As the package's own, by such a clock: a server that stands still together with this process is not unwell. */
export function whenTimeIsUp(milliseconds: number, call: () => void): NodeJS.Timeout {
  const endsAt = clock() + milliseconds;
  const timer = setInterval(() => {
    if (clock() < endsAt) return;
    clearInterval(timer);
    setImmediate(call);
  }, tickMilliseconds);
  return timer;
}

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
