const rounds = 100;

/** Microseconds that a call takes, one after the other for a while. */
export async function microsecondsEach(seconds: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let count = 0;
  while (performance.now() < endsAt) {
    for (let round = 0; round < rounds; round++) await work();
    count += rounds;
  }
  return ((performance.now() - startedAt) / count) * 1000;
}

/** The same for work that is done when it returns. */
export function microsecondsEachAtOnce(seconds: number, work: () => unknown): number {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let count = 0;
  while (performance.now() < endsAt) {
    for (let round = 0; round < rounds; round++) work();
    count += rounds;
  }
  return ((performance.now() - startedAt) / count) * 1000;
}
