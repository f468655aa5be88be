/**
 * The shared tier could not be used. `code` is `ERR_CACHE_TIMEOUT`, `ERR_CACHE_OPEN` (not asked, since it did not answer
 * in time before), `ERR_CACHE_UNAVAILABLE` (no connection), `ERR_CACHE_POISONED`, `ERR_CACHE_TOO_LARGE`, or the word that
 * Redis begins its error with: `WRONGTYPE`, `READONLY`, `OOM`, `NOPERM`, `LOADING`… It quotes nothing and has no `cause`:
 * the driver's own errors carry the command, and with it the value.
 */
export class CacheError extends Error {
  override readonly name = 'CacheError';
  readonly code: string;

  constructor(code: string) {
    super(`the shared cache failed: ${code}`);
    this.code = code;
  }
}

/** What the driver says when its own `commandTimeout` is over. */
const driversTimeout = 'Command timed out';

/** The same fault in words that hold nothing of the command. */
export function toCacheError(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  const { name, message } = error instanceof Error ? error : { name: '', message: '' };
  if (message === driversTimeout) return new CacheError('ERR_CACHE_TIMEOUT');
  const word = name === 'ReplyError' ? /^[A-Z]+/.exec(message)?.[0] : undefined;
  return new CacheError(word ?? 'ERR_CACHE_UNAVAILABLE');
}
