import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks over and over until the answer is yes, since no server tells us when it has come round. Errors count as no.
 * @throws {Error} naming what did not come to be within so many seconds.
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinSeconds = 10,
): Promise<void> {
  const deadline = performance.now() + withinSeconds * 1000;
  let trouble: unknown;
  while (performance.now() < deadline) {
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
