import { timeoutError } from './deadline.js';
import { afterReading } from './runtime.js';

/** Waits for a cache only so long, and leaves one that did not answer alone but for one probe a second. */
export interface CachePatience {
  /** Whether the last answer did not come in time. Read on every hit. */
  readonly isLost: boolean;
  /** Whether it is to be left alone now; who is told no is the probe. */
  isResting(): boolean;
  /**
   * Settles as the work does. @throws {IntrospectionError} ERR_TIMEOUT when patience is over; what the work comes to later
   * goes to nobody.
   */
  wait<T>(work: Promise<T>): Promise<T>;
}

const probeIntervalSeconds = 1;

export function createCachePatience(timeoutSeconds: number): CachePatience {
  let restsUntil = 0;

  function rest(): void {
    patience.isLost = true;
    restsUntil = performance.now() + probeIntervalSeconds * 1000;
  }

  // a property, as a getter would cost a hit more
  const patience = {
    isLost: false,
    isResting() {
      if (!patience.isLost) return false;
      if (performance.now() < restsUntil) return true;
      rest();
      return false;
    },
    wait<T>(work: Promise<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        let isOver = false;
        const giveUp = () => {
          if (isOver) return;
          isOver = true;
          rest();
          reject(timeoutError());
        };
        const timer = setTimeout(() => afterReading(giveUp), timeoutSeconds * 1000);
        const answered = () => {
          if (isOver) return;
          isOver = true;
          clearTimeout(timer);
          patience.isLost = false;
        };
        work.finally(answered).then(resolve, reject);
      });
    },
  };
  return patience;
}
