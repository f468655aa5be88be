import type { CacheClaim, CacheEntry } from '@phantom-token/core';
import { atMost } from './at-most.js';
import type { EntryPlace } from './entry-places.js';
import type { Lock } from './lock.js';
import type { EntryKeys } from './sealed-entry.js';

export interface ClaimOptions {
  readonly lock: Lock;
  readonly nameOf: (keys: EntryKeys) => string;
  readonly read: (
    keys: EntryKeys,
    value: Buffer<ArrayBuffer>,
    now: number,
  ) => Promise<CacheEntry | undefined>;
  readonly commandTimeoutSeconds: number;
}

/** Between two looks at first, and at last. Seconds; the half of it is left to chance, so that instances spread. */
const firstPauseSeconds = 0.01;
const lastPauseSeconds = 0.05;

export type Claim = (place: EntryPlace, now: number, budgetSeconds: number) => Promise<CacheClaim>;

export function createClaim({ lock, nameOf, read, commandTimeoutSeconds }: ClaimOptions): Claim {
  return async (place, now, budgetSeconds) => {
    const startedAt = performance.now();
    const elapsed = () => (performance.now() - startedAt) / 1000;
    const [keys] = place.keys;
    const name = nameOf(keys);
    const owner = crypto.randomUUID();

    const giveUp = (isStored: boolean) => void lock.release(name, owner, isStored).catch(() => {});
    const release = () => giveUp(place.isStored);

    async function begin() {
      const patience = Math.min(budgetSeconds, commandTimeoutSeconds - place.waitedSeconds);
      const acquired = lock.acquire(name, owner);
      try {
        return await atMost(patience, acquired);
      } catch (error) {
        // taken too late for us, and others need not wait for it
        acquired.then(({ holder }) => holder === 'self' && giveUp(false)).catch(() => {});
        throw error;
      } finally {
        place.waitedSeconds += elapsed();
      }
    }

    /** Until nobody is at work on the entry, or there is another than at first. */
    async function wait(): Promise<CacheClaim> {
      let state = await begin();
      const { value } = state;
      for (let pause = firstPauseSeconds; ; pause = Math.min(pause * 1.5, lastPauseSeconds)) {
        const entry = await read(keys, state.value, now + elapsed()).catch(() => undefined);
        const found = entry === undefined ? {} : { entry };
        if (state.holder === 'self') {
          place.isStored = entry !== undefined;
          return { ...found, release };
        }
        const isNews = entry !== undefined && !state.value.equals(value);
        const left = budgetSeconds - elapsed();
        if (isNews || state.holder === 'nobody' || left <= 0) return found;
        await sleep(Math.min(left, pause * (0.5 + Math.random() / 2)));
        try {
          state = await atMost(budgetSeconds - elapsed(), lock.look(name, owner));
        } catch {
          return found;
        }
      }
    }

    // Redis is unwell
    return budgetSeconds > 0 ? wait().catch(() => ({})) : {};
  };
}

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
