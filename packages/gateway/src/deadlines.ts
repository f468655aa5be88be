/** What is not to last longer than until an instant. */
export interface Dated {
  /** By `performance.now()`, milliseconds; infinite for no end. Set anew as often as one likes: it costs nothing. */
  dueAt: number;
  /** The instant is over. */
  onDue(): void;
}

/** How often is looked: nobody is ended later than that. Milliseconds. */
const tickMilliseconds = 50;
/** Looks after the deadlines of many, where a timer for each would have to be set anew several times for each request. */
export class Deadlines {
  readonly #dated = new Set<Dated>();
  #timer: NodeJS.Timeout | undefined;

  add(dated: Dated): void {
    this.#dated.add(dated);
    // not before the event loop has looked at what came, perhaps while the machine stood still
    this.#timer ??= setInterval(() => setImmediate(() => this.#look()), tickMilliseconds);
  }

  delete(dated: Dated): void {
    this.#dated.delete(dated);
    if (this.#dated.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const dated of this.#dated) if (dated.dueAt <= now) dated.onDue();
  }
}
