import { breakerOf, type RedisConnection } from './redis-breaker.js';

/** Whether Redis is of use, and what keeps it from that: a code of the system, of CacheError or of Redis. */
export type RedisState = { readonly isUp: true } | { readonly isUp: false; readonly code: string };

interface DriverError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: unknown;
  readonly lastNodeError?: DriverError;
}

/**
 * Tells of every change of state once; while Redis is away, of another reason once too. Listens for the connection's
 * errors, which the driver would print otherwise, and takes the passwords out of them before anybody else sees them.
 */
export function watchState(
  redis: RedisConnection,
  onStateChange: ((state: RedisState) => void) | undefined,
): void {
  let isUp: boolean | undefined;
  const told = new Set<string>();
  let isConnected = false;

  function tell(state: RedisState): void {
    if (state.isUp ? isUp === true : told.has(state.code)) return;
    isUp = state.isUp;
    if (state.isUp) told.clear();
    else told.add(state.code);
    try {
      onStateChange?.(state);
    } catch {
      // a hook that fails is its owner's matter
    }
  }

  redis.on('ready', () => {
    isConnected = true;
    tell({ isUp: true });
  });
  redis.on('error', (error: DriverError) => {
    withoutCommand(error);
    isConnected = false;
    tell({ isUp: false, code: codeOf(error) });
  });
  // of a single server of a cluster, which may do without it; what fails the whole was told here before
  redis.on('node error', (error: DriverError) => withoutCommand(error));
  breakerOf(redis).onChange((opened) => {
    if (opened) tell({ isUp: false, code: 'ERR_CACHE_TIMEOUT' });
    else if (isConnected) tell({ isUp: true });
  });
}

/** The driver hangs the command that failed on its errors: for HELLO and AUTH that is the password. */
function withoutCommand(error: DriverError): void {
  Reflect.deleteProperty(error, 'command');
}

/** A code or the word that Redis begins its error with, never the message. */
function codeOf(error: DriverError): string {
  const { code, name, message = '', lastNodeError } = error;
  if (lastNodeError !== undefined) return codeOf(lastNodeError);
  if (typeof code === 'string') return code;
  const word = name === 'ReplyError' ? /^[A-Z]+/.exec(message)?.[0] : undefined;
  return word ?? 'ERR_CACHE_UNAVAILABLE';
}
