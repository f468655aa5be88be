import type { PairedResult } from './paired.js';

interface Goal {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Measurement extends Goal {
  readonly name: string;
  readonly unit: string;
  readonly run: () => Promise<PairedResult>;
}

const round = (value: number) => (value < 100 ? value.toPrecision(3) : value.toFixed(0));
const met = (ratio: number, { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Goal) =>
  ratio >= atLeast && ratio <= atMost;

/** Runs one after the other and prints a row for each. Returns how many missed their goal. */
export async function printTable(slices: string, measurements: readonly Measurement[]): Promise<number> {
  console.log(`Node ${process.version}; ${slices}; medians [quartiles]\n`);
  console.log('| measurement | ratio | goal | | ours | baseline |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  let missed = 0;
  for (const { name, unit, run, ...goal } of measurements) {
    const { ratio, quartiles, subject, baseline } = await run();
    const isMet = met(ratio, goal);
    if (!isMet) missed++;
    const wanted =
      goal.atMost === undefined
        ? goal.atLeast === undefined
          ? ''
          : `≥ ${goal.atLeast}`
        : `≤ ${goal.atMost}`;
    const verdict = wanted === '' ? '' : isMet ? 'met' : 'MISSED';
    const spread = quartiles.map((it) => it.toFixed(3)).join('–');
    console.log(
      `| ${name} | ${ratio.toFixed(3)} [${spread}] | ${wanted} | ${verdict} | ${round(subject)} ${unit} | ${round(baseline)} ${unit} |`,
    );
  }
  return missed;
}
