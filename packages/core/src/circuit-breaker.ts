import { IntrospectionError, type IntrospectionErrorCode } from './errors.js';
import type { Emit } from './events.js';

/** How long the server is left alone between two probes. Seconds. */
const probeIntervalSeconds = 1;

export interface CircuitBreakerOptions {
  /** How many failures in a row open it; 0 for never. */
  readonly breakerFailures: number;
}

/** Keeps calls from a server that is not well: while open, one probe a second goes through, the rest fail at once. */
export type CircuitBreaker = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * Opens after so many failures in a row, or for as long as the server's Retry-After says; closes on the first answer.
 * @param clock Seconds from some moment on, and never back: a wall clock that is set back would keep it open.
 */
export function createCircuitBreaker(
  { breakerFailures }: CircuitBreakerOptions,
  emit: Emit | undefined,
  clock: () => number = () => performance.now() / 1000,
): CircuitBreaker {
  if (breakerFailures === 0) return (task) => task();
  let failures = 0;
  let isOpen = false;
  /** When the next probe may go, by the clock. */
  let probeAt = 0;

  function open(seconds: number): void {
    probeAt = clock() + seconds;
    if (isOpen) return;
    isOpen = true;
    emit?.({ type: 'breaker', state: 'open' });
  }

  function close(): void {
    failures = 0;
    if (!isOpen) return;
    isOpen = false;
    emit?.({ type: 'breaker', state: 'closed' });
  }

  function judge(error: unknown): void {
    if (!(error instanceof IntrospectionError) || beforeTheServer.has(error.code)) return;
    if (!isFailure(error)) {
      close();
      return;
    }
    failures++;
    if (error.retryAfterSeconds !== undefined) open(error.retryAfterSeconds);
    else if (isOpen || failures >= breakerFailures) open(probeIntervalSeconds);
  }

  return async (task) => {
    if (isOpen) {
      const wait = probeAt - clock();
      if (wait > 0) throw resting(wait);
      // this call is the probe; the next may be in a second
      probeAt = clock() + probeIntervalSeconds;
    }
    try {
      const result = await task();
      close();
      return result;
    } catch (error) {
      judge(error);
      throw error;
    }
  };
}

/** What happens before the server is asked says nothing of it. */
const beforeTheServer = new Set<IntrospectionErrorCode>(['ERR_OVERLOADED', 'ERR_CLIENT_AUTH']);

/** What the server says of one token: a client may bring that about, and must not open the breaker for everybody. */
const ofOneToken = new Set<IntrospectionErrorCode>([
  'ERR_TOO_LARGE',
  'ERR_MALFORMED',
  'ERR_NO_JWT',
  'ERR_CONTRADICTION',
  'ERR_JWT_REFUSED',
  'ERR_JWT_VERIFICATION',
  'ERR_RESPONSE_VERIFICATION',
  'ERR_KEYS_UNAVAILABLE',
  'ERR_MINTING',
]);

/**
 * No whole answer, or one that is none to an introspection: 429, 5xx, a redirect, a page of some kind. Any other shows
 * that the server lives, however little it is of use.
 */
const isFailure = ({ code, serverStatus = 200 }: IntrospectionError) =>
  !ofOneToken.has(code) && (serverStatus < 400 || serverStatus === 429 || serverStatus >= 500);

const resting = (seconds: number) =>
  new IntrospectionError('ERR_BREAKER_OPEN', 'the authorization server is left alone for a while', {
    status: 503,
    retryAfterSeconds: Math.min(Math.max(Math.ceil(seconds), 1), 60),
  });
