/** What a measurement of pairs says: the median ratio with its quartiles, and the medians of both sides. */
export interface PairedResult {
  readonly ratio: number;
  readonly quartiles: readonly [number, number];
  readonly subject: number;
  readonly baseline: number;
}

/** What is measured against what: each resolves with a figure for one slice. */
export interface Comparison {
  readonly subject: () => Promise<number>;
  readonly baseline: () => Promise<number>;
}

interface Pair {
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
  return summarize(await takePairs({ subject, baseline }, pairs, warmUps));
}

export interface Rounds {
  readonly rounds: number;
  /** Of each comparison in each round. */
  readonly pairs: number;
  /** Of each comparison before the first round, and before each. */
  readonly warmUps: readonly [first: number, each: number];
  readonly beforeRound: (round: number) => void;
}

/**
 * Measures several by turns, a few pairs of each a round: a machine that behaves otherwise for some seconds changes a few
 * pairs of each, where it would change half of one.
 */
export async function measureInRounds(
  comparisons: readonly Comparison[],
  { rounds, pairs, warmUps: [first, each], beforeRound }: Rounds,
): Promise<PairedResult[]> {
  const taken = comparisons.map((comparison) => ({ comparison, pairs: [] as Pair[] }));
  for (const { comparison } of taken) await takePairs(comparison, 0, first);
  for (let round = 0; round < rounds; round++) {
    beforeRound(round);
    for (const it of taken) it.pairs.push(...(await takePairs(it.comparison, pairs, each)));
  }
  return taken.map((it) => summarize(it.pairs));
}

async function takePairs({ subject, baseline }: Comparison, pairs: number, warmUps: number): Promise<Pair[]> {
  const taken: Pair[] = [];
  for (let pair = 0; pair < warmUps + pairs; pair++) {
    // whoever goes first changes from pair to pair
    const swapped = pair % 2 === 1;
    const first = await (swapped ? baseline : subject)();
    const second = await (swapped ? subject : baseline)();
    if (pair >= warmUps)
      taken.push(swapped ? { subject: second, baseline: first } : { subject: first, baseline: second });
  }
  return taken;
}

function summarize(pairs: readonly Pair[]): PairedResult {
  const ratios = pairs.map((it) => it.subject / it.baseline);
  return {
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    subject: quantile(
      pairs.map((it) => it.subject),
      0.5,
    ),
    baseline: quantile(
      pairs.map((it) => it.baseline),
      0.5,
    ),
  };
}

/** The value that such a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}
