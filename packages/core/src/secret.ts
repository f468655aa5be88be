import { nonEmpty } from './option-checks.js';

/** A secret, or a function that fetches it: asked once, and again when the authorization server refuses what it gave. */
export type Secret<T = string> = T | (() => T | Promise<T>);

/** A secret that can be replaced while the process runs. */
export interface HeldSecret<T> {
  /** The secret as it was last read. */
  current(): T | Promise<T>;
  /** Reads it again; whether it has changed. Those who ask while it is read, or just after, share the answer. */
  renew(): Promise<boolean>;
}

/** How long one answer of `renew` stands: many requests may have been refused with the same old secret. Milliseconds. */
const standsFor = 1000;

/**
 * @throws {TypeError} where the secret is neither a string that is not empty nor a function; what a function returns is
 * judged by `read` when it is asked.
 */
export function holdSecret<T, R = T>(secret: Secret<T>, read: (value: T) => R | Promise<R>): HeldSecret<R> {
  if (typeof secret !== 'function') {
    const value = read(secret);
    // a promise that nobody has waited for yet must not end the process
    if (value instanceof Promise) value.catch(() => {});
    return { current: () => value, renew: async () => false };
  }
  const fetch = secret as () => T | Promise<T>;
  let source: T | undefined;
  let value: Promise<R> | undefined;
  let renewal: Promise<boolean> | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<R> {
    const next = await fetch();
    const made = await read(next);
    source = next;
    return made;
  }

  function current(): Promise<R> {
    value ??= load().catch((error) => {
      // the next request asks again
      value = undefined;
      throw error;
    });
    return value;
  }

  async function reload(): Promise<boolean> {
    const before = source;
    try {
      const made = await load();
      value = Promise.resolve(made);
      return source !== before;
    } catch {
      // what we have may still be right for the next request
      return false;
    }
  }

  return {
    current,
    renew() {
      if (renewal === undefined || performance.now() - renewedAt > standsFor) {
        renewedAt = performance.now();
        renewal = reload();
      }
      return renewal;
    },
  };
}

export const readText = (name: string) => (value: unknown) => nonEmpty(name, value);
