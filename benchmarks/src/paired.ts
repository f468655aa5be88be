/** What a measurement of pairs says: the median ratio with its quartiles, and the medians of both sides. */
export interface PairedResult {
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
  readonly subject: number;
  readonly baseline: number;
}

/**
 * Measures a subject against a baseline in alternating slices, so that what else the machine does falls on both alike.
 * The first pairs warm up and are dropped: one, unless told.
 */
export async function measurePairs(
  pairs: number,
  subject: () => Promise<number>,
  baseline: () => Promise<number>,
  warmUps = 1,
): Promise<PairedResult> {
  const measured: Array<{ subject: number; baseline: number }> = [];
  for (let pair = 0; pair < warmUps + pairs; pair++) {
    // whoever goes first changes from pair to pair
    const swapped = pair % 2 === 1;
    const first = await (swapped ? baseline : subject)();
    const second = await (swapped ? subject : baseline)();
    if (pair >= warmUps)
      measured.push(swapped ? { subject: second, baseline: first } : { subject: first, baseline: second });
  }
  const ratios = measured.map((it) => it.subject / it.baseline);
  return {
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    subject: quantile(
      measured.map((it) => it.subject),
      0.5,
    ),
    baseline: quantile(
      measured.map((it) => it.baseline),
      0.5,
    ),
  };
}

/** The value that such a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}
