import { withinDeadline } from './deadline.js';
import { nonEmpty } from './option-checks.js';
import { requestsShareIo } from './runtime.js';

/**
 * A secret, or a function that fetches it: asked once, and again when the authorization server refuses what it gave. One
 * that has not answered after 5 s has failed, and the next request asks anew.
 */
export type Secret<T = string> = T | (() => T | Promise<T>);

/** A secret that can be replaced while the process runs. */
export interface HeldSecret<T> {
  /** The secret as it was last read. */
  current(): T | Promise<T>;
  /**
   * Reads it again; whether it has changed. Those who ask while it is read, or just after, share the answer.
   * @param usedAt When the one that is of no use was taken, by `performance.now()`: nothing is read where it has been
   * replaced since.
   */
  renew(usedAt?: number): Promise<boolean>;
  /** Reads it again, behind everybody's back, where that was last done so many seconds ago. */
  renewAfter(seconds: number): void;
}

/** How long one answer of `renew` stands: many requests may have been refused with the same old secret. Milliseconds. */
const standsFor = 1000;
/** How long a function may take: one that hangs must not keep all later requests waiting. Seconds. */
const patienceSeconds = 5;

/**
 * @throws {TypeError} where the secret is neither a string that is not empty nor a function; what a function returns is
 * judged by `read` when it is asked.
 */
export function holdSecret<T, R = T>(secret: Secret<T>, read: (value: T) => R | Promise<R>): HeldSecret<R> {
  if (typeof secret !== 'function') {
    const value = read(secret);
    // a promise that nobody has waited for yet must not end the process
    if (value instanceof Promise) value.catch(() => {});
    return { current: () => value, renew: async () => false, renewAfter() {} };
  }
  const fetch = secret as () => T | Promise<T>;
  let held: { readonly source: T; readonly value: R } | undefined;
  let first: Promise<R> | undefined;
  let asked = 0;
  let heldFrom = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let changedAt = Number.NEGATIVE_INFINITY;
  let renewal: Promise<boolean> | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;

  async function load(): Promise<R> {
    const turn = ++asked;
    askedAt = performance.now();
    const next = await withinDeadline(patienceSeconds, async () => {
      const source = await fetch();
      return { source, value: await read(source) };
    });
    // an answer that was overtaken by a later one is an old one
    if (turn > heldFrom) {
      if (held !== undefined && held.source !== next.source) changedAt = performance.now();
      heldFrom = turn;
      held = next;
    }
    return next.value;
  }

  async function reload(): Promise<boolean> {
    const before = held?.source;
    try {
      await load();
      return held?.source !== before;
    } catch {
      // what we have may still be right for the next request
      return false;
    }
  }

  return {
    current() {
      if (held !== undefined) return held.value;
      if (!requestsShareIo()) return load();
      first ??= load().finally(() => {
        // where it failed, the next request asks again
        first = undefined;
      });
      return first;
    },
    async renew(usedAt = performance.now()) {
      if (changedAt > usedAt) return true;
      if (!requestsShareIo()) return reload();
      if (renewal === undefined || performance.now() - renewedAt > standsFor) {
        renewedAt = performance.now();
        renewal = reload();
      }
      return renewal;
    },
    renewAfter(seconds) {
      if (held !== undefined && performance.now() - askedAt >= seconds * 1000) load().catch(keepWhatWeHave);
    },
  };
}

const keepWhatWeHave = () => {};

export const readText = (name: string) => (value: unknown) => nonEmpty(name, value);
