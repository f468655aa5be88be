/** A clock for the client's `now` option; it moves only when told to. */
export interface Clock {
  /** NumericDate. */
  (): number;
  advance(seconds: number): void;
}

/** Where every clock starts and what the sample claims count from. NumericDate: January 2027. */
export const startAt = 1_800_000_000;

export function createClock(): Clock {
  let now = startAt;
  return Object.assign(() => now, {
    advance(seconds: number) {
      now += seconds;
    },
  });
}
