import { CacheError } from './cache-error.js';
import { whenTimeIsUp } from './time-up.js';

/**
 * Settles as the work does, or after so many seconds.
 * @throws {CacheError} ERR_CACHE_TIMEOUT when time is up.
 */
export const atMost = <T>(seconds: number, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = whenTimeIsUp(seconds * 1000, () => reject(new CacheError('ERR_CACHE_TIMEOUT')));
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
