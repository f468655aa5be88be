import { measureAdapter } from './adapters.js';
import { measureExchange } from './exchange.js';
import type { PairedResult } from './paired.js';

interface Goal {
  readonly atLeast?: number;
  readonly atMost?: number;
}

interface Measurement extends Goal {
  readonly name: string;
  readonly unit: string;
  readonly run: () => Promise<PairedResult>;
}

const quick = process.argv.includes('--quick');
const [pairs, sliceSeconds] = quick ? [7, 0.4] : [25, 1];

const adapter = (framework: string, atLeast: number): Measurement[] => [
  {
    name: `${framework} with our adapter / ${framework} bare`,
    unit: 'requests/s',
    atLeast,
    run: () => measureAdapter(framework.toLowerCase(), 'bare', pairs, sliceSeconds),
  },
  {
    name: `${framework} with our adapter / ${framework} with a middleware that does nothing`,
    unit: 'requests/s',
    run: () => measureAdapter(framework.toLowerCase(), 'idle', pairs, sliceSeconds),
  },
];

const measurements: readonly Measurement[] = [
  {
    name: 'exchange of a hot token / jwtVerify RS256',
    unit: 'µs',
    atMost: 0.03,
    run: () => measureExchange(pairs, sliceSeconds / 5),
  },
  ...adapter('Express', 0.97),
  ...adapter('Fastify', 0.9),
  ...adapter('Hono', 0.9),
];

const round = (value: number) => (value < 100 ? value.toPrecision(3) : value.toFixed(0));
const met = (ratio: number, { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Goal) =>
  ratio >= atLeast && ratio <= atMost;

console.log(
  `Node ${process.version}; ${pairs} alternating pairs of ${sliceSeconds} s slices; medians [quartiles]\n`,
);
console.log('| measurement | ratio | goal | | ours | baseline |');
console.log('| --- | --- | --- | --- | --- | --- |');
let missed = 0;
for (const { name, unit, run, ...goal } of measurements) {
  const { ratio, quartiles, subject, baseline } = await run();
  const isMet = met(ratio, goal);
  if (!isMet) missed++;
  const wanted =
    goal.atMost === undefined ? (goal.atLeast === undefined ? '' : `≥ ${goal.atLeast}`) : `≤ ${goal.atMost}`;
  const verdict = wanted === '' ? '' : isMet ? 'met' : 'MISSED';
  const spread = quartiles.map((it) => it.toFixed(3)).join('–');
  console.log(
    `| ${name} | ${ratio.toFixed(3)} [${spread}] | ${wanted} | ${verdict} | ${round(subject)} ${unit} | ${round(baseline)} ${unit} |`,
  );
}
process.exitCode = missed === 0 ? 0 : 1;
