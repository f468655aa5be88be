import { CacheError } from './cache-error.js';

/**
 * Settles as the work does, or after so many seconds; what the work comes to later goes to nobody.
 * @throws {CacheError} ERR_CACHE_TIMEOUT when time is up.
 */
export function atMost<T>(seconds: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // an answer that came while this process was busy lies in the socket, and is read before this runs
      setImmediate(() => reject(new CacheError('ERR_CACHE_TIMEOUT')));
    }, seconds * 1000);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
