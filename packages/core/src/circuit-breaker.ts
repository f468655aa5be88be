import { IntrospectionError, type IntrospectionErrorCode } from './errors.js';
import type { Emit } from './events.js';

/** How long the server is left alone between two probes. Seconds. */
const probeIntervalSeconds = 1;

export interface CircuitBreakerOptions {
  /** How many failures in a row open it; 0 for never. */
  readonly breakerFailures: number;
  readonly now: () => number;
}

/** Keeps calls from a server that is not well: while open, one probe a second goes through, the rest fail at once. */
export type CircuitBreaker = <T>(task: () => Promise<T>) => Promise<T>;

/** Opens after so many failures in a row, or for as long as the server's Retry-After says; closes on the first success. */
export function createCircuitBreaker(
  { breakerFailures, now }: CircuitBreakerOptions,
  emit: Emit | undefined,
): CircuitBreaker {
  if (breakerFailures === 0) return (task) => task();
  let failures = 0;
  let isOpen = false;
  /** NumericDate of the next probe. */
  let probeAt = 0;

  function open(seconds: number): void {
    probeAt = now() + seconds;
    if (isOpen) return;
    isOpen = true;
    emit?.({ type: 'breaker', state: 'open' });
  }

  function succeed(): void {
    failures = 0;
    if (!isOpen) return;
    isOpen = false;
    emit?.({ type: 'breaker', state: 'closed' });
  }

  function fail(error: unknown): void {
    if (!(error instanceof IntrospectionError) || !isServersFault(error)) return;
    failures++;
    if (error.retryAfterSeconds !== undefined) open(error.retryAfterSeconds);
    else if (isOpen || failures >= breakerFailures) open(probeIntervalSeconds);
  }

  return async (task) => {
    if (isOpen) {
      const wait = probeAt - now();
      if (wait > 0) throw resting(wait);
      // this call is the probe; the next may be in a second
      probeAt = now() + probeIntervalSeconds;
    }
    try {
      const result = await task();
      succeed();
      return result;
    } catch (error) {
      fail(error);
      throw error;
    }
  };
}

/** Bounds and mistakes of our own, and what single tokens bring about: nobody may open it for everybody with one of those. */
const notTheServers = new Set<IntrospectionErrorCode>([
  'ERR_OVERLOADED',
  'ERR_CLIENT_AUTH',
  'ERR_MINTING',
  'ERR_JWT_REFUSED',
  'ERR_JWT_VERIFICATION',
  'ERR_RESPONSE_VERIFICATION',
]);

// what the server says of one request (4xx) tells nothing of its health
function isServersFault({ code, serverStatus }: IntrospectionError): boolean {
  if (notTheServers.has(code)) return false;
  return serverStatus === undefined || serverStatus < 400 || serverStatus === 429 || serverStatus >= 500;
}

const resting = (seconds: number) =>
  new IntrospectionError('ERR_BREAKER_OPEN', 'the authorization server is left alone for a while', {
    status: 503,
    retryAfterSeconds: Math.min(Math.max(Math.ceil(seconds), 1), 60),
  });
