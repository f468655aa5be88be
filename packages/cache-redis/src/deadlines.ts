import { clock, whenTimeIsUp } from './time-up.js';

/** Something that nobody waits for longer than until an instant. */
export interface Dated {
  /** By `clock`, milliseconds. */
  readonly dueAt: number;
  /** The instant has come; told again now and then until it is taken out. */
  onDue(): void;
  /** Where it stands, for Deadlines alone: `notWaited` at first. */
  index: number;
}

export const notWaited = -1;

/** Timers go by whole ones. Milliseconds. */
const timerPrecision = 1;

/**
 * All that is waited for, with one timer for all: one for each would be set and cleared with every command. It goes on
 * when nobody waits any more, since somebody soon will.
 */
export class Deadlines<T extends Dated> {
  /** In no order: to take something out of a Set takes several times as long. */
  readonly #dated: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;

  add(dated: T): void {
    dated.index = this.#dated.length;
    this.#dated.push(dated);
    if (dated.dueAt < this.#ringsAt) this.#ringAt(dated.dueAt);
  }

  /** Whether it was there. */
  delete(dated: T): boolean {
    const { index } = dated;
    if (index === notWaited) return false;
    dated.index = notWaited;
    const last = this.#dated.pop() as T;
    if (last !== dated) {
      this.#dated[index] = last;
      last.index = index;
    }
    return true;
  }

  /** Those of this moment, whatever is taken out meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#dated.slice().values();
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
    for (const dated of this) {
      if (dated.dueAt <= now) dated.onDue();
      else next = Math.min(next, dated.dueAt);
    }
    if (next < this.#ringsAt) this.#ringAt(next);
  }
}
