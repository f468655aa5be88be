/** A clock that stands until it is moved. NumericDates. */
export function createClock(startsAt = 1_800_000_000) {
  let time = startsAt;
  return {
    now: () => time,
    advance(seconds: number) {
      time += seconds;
    },
  };
}
