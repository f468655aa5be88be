import { clock, whenTimeIsUp } from './time-up.js';

/** Something that nobody waits for longer than until an instant. */
export interface Dated {
  /** By `clock`, milliseconds. */
  readonly dueAt: number;
  /** The instant has come; told again now and then until it is taken out. */
  onDue(): void;
}

/** Timers go by whole ones. Milliseconds. */
const timerPrecision = 1;

/**
 * All that is waited for, with one timer for all: one for each would be set and cleared with every command. It goes on
 * when nobody waits any more, since somebody soon will.
 */
export class Deadlines<T extends Dated> {
  readonly #dated = new Set<T>();
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;

  add(dated: T): void {
    this.#dated.add(dated);
    if (dated.dueAt < this.#ringsAt) this.#ringAt(dated.dueAt);
  }

  /** Whether it was there. */
  delete(dated: T): boolean {
    return this.#dated.delete(dated);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#dated.values();
  }

  #ringAt(instant: number): void {
    clearTimeout(this.#timer);
    this.#ringsAt = instant;
    this.#timer = whenTimeIsUp(Math.round(instant - clock()), () => this.#look());
    // what is waited for keeps the process alive by itself
    this.#timer.unref();
  }

  #look(): void {
    const now = clock() + timerPrecision;
    let next = Number.POSITIVE_INFINITY;
    this.#ringsAt = next;
    for (const dated of this.#dated) {
      if (dated.dueAt <= now) dated.onDue();
      else next = Math.min(next, dated.dueAt);
    }
    if (next < this.#ringsAt) this.#ringAt(next);
  }
}
