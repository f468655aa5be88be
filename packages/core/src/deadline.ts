import { IntrospectionError } from './errors.js';

/** The whole time that was allowed is over. */
export const timeoutError = () =>
  new IntrospectionError('ERR_TIMEOUT', 'the authorization server did not answer in time', { status: 504 });

/**
 * Runs work that must end within a total time, not an idle one. When time is up the result is ERR_TIMEOUT at once,
 * whether or not the work heeds its signal; whatever it still yields is dropped.
 */
export async function withinDeadline<T>(
  timeoutSeconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(timeoutError());
      controller.abort();
    }, timeoutSeconds * 1000);
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** A caller's own wait for shared work: ends with the caller's signal, and leaves the work alone. */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    const leave = () => reject(signal.reason?.name === 'TimeoutError' ? timeoutError() : signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
  });
}
