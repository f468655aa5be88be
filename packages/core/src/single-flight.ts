import { overloaded } from './errors.js';

/** One call in the air for each key; whoever asks meanwhile shares its result. A failure is not remembered. */
export interface SingleFlight<T> {
  /** Joins the flight of this key, or starts one. `isCurrent` tells the work whether its key was forgotten meanwhile. */
  join(key: string, start: (isCurrent: () => boolean) => Promise<T>): Promise<T>;
  /** Whether something is in the air for this key. */
  has(key: string): boolean;
  /** What is in the air for this key is out of date: its waiters still get it, nobody else does. */
  forget(key: string): void;
}

export interface SingleFlightOptions {
  /** How many callers may wait for flights of others; one more is refused with ERR_OVERLOADED. */
  readonly maxWaiters: number;
  readonly onJoin?: () => void;
}

export function createSingleFlight<T>({ maxWaiters, onJoin }: SingleFlightOptions): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>();
  let waiters = 0;
  return {
    join(key, start) {
      const joined = flights.get(key);
      if (joined !== undefined) {
        if (waiters >= maxWaiters) return Promise.reject(overloaded());
        waiters++;
        onJoin?.();
        return joined.finally(() => waiters--);
      }
      const flight: Promise<T> = start(() => flights.get(key) === flight).finally(() => {
        if (flights.get(key) === flight) flights.delete(key);
      });
      flights.set(key, flight);
      return flight;
    },
    has: (key) => flights.has(key),
    forget(key) {
      flights.delete(key);
    },
  };
}

/** For runtimes where a request must not wait for another's I/O: every call flies alone. */
export function createSoloFlight<T>(): SingleFlight<T> {
  return { join: (_key, start) => start(() => true), has: () => false, forget() {} };
}
