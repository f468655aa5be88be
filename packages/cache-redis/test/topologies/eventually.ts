import { setTimeout as sleep } from 'node:timers/promises';

// the real one, also where a test has put another in its place
const now = performance.now.bind(performance);

/**
 * Asks over and over until the answer is yes, since no server tells us when it has come round. Errors count as no. Unlike
 * `expect.poll`, it leaves a clock alone that the test has stopped.
 * @throws {Error} naming what did not come to be within so many seconds.
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinSeconds = 120,
): Promise<void> {
  const deadline = now() + withinSeconds * 1000;
  let trouble: unknown;
  while (now() < deadline) {
    try {
      if (await isSo()) return;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    await sleep(20);
  }
  throw new Error(`not within ${withinSeconds} s: ${what}`, { cause: trouble });
}
