import { CacheError } from './cache-error.js';

/** The waiting for some work; what the work comes to after its end goes to nobody. */
export interface Wait<T> {
  /** As the work, or rejected with a CacheError: ERR_CACHE_TIMEOUT when time is up, or what it was given up with. */
  readonly end: Promise<T>;
  giveUp(error: CacheError): void;
}

export function beginWait<T>(seconds: number, work: Promise<T>): Wait<T> {
  let giveUp: Wait<T>['giveUp'] = () => {};
  const end = new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      // an answer that came while this process was busy lies in the socket, and is read before this runs
      setImmediate(() => reject(new CacheError('ERR_CACHE_TIMEOUT')));
    }, seconds * 1000);
    giveUp = (error) => {
      clearTimeout(timer);
      reject(error);
    };
    work.then((value) => {
      clearTimeout(timer);
      resolve(value);
    }, giveUp);
  });
  return { end, giveUp };
}

/**
 * Settles as the work does, or after so many seconds.
 * @throws {CacheError} ERR_CACHE_TIMEOUT when time is up.
 */
export const atMost = <T>(seconds: number, work: Promise<T>): Promise<T> => beginWait(seconds, work).end;
