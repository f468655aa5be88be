import { CacheError, toCacheError } from './cache-error.js';

/**
 * Waits for a command no longer than so many seconds; its late answer goes to nobody.
 * @throws {CacheError} whatever went wrong.
 */
export async function boundedCommand<T>(command: Promise<T>, timeoutSeconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CacheError('ERR_CACHE_TIMEOUT')), timeoutSeconds * 1000);
  });
  try {
    return await Promise.race([command, timeout]);
  } catch (error) {
    throw toCacheError(error);
  } finally {
    clearTimeout(timer);
  }
}
