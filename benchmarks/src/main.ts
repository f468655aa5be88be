import { measureAdapter } from './adapters.js';
import { measureExchange } from './exchange.js';
import { type Measurement, printTable } from './table.js';

const quick = process.argv.includes('--quick');
const [pairs, sliceSeconds] = quick ? [7, 0.4] : [25, 1];

function adapter(framework: string, atLeast: number): Measurement[] {
  const bare = {
    name: `${framework} with our adapter / ${framework} bare`,
    unit: 'requests/s',
    atLeast,
    run: () => measureAdapter(framework.toLowerCase(), 'bare', pairs, sliceSeconds),
  };
  const idle = {
    name: `${framework} with our adapter / ${framework} with a middleware that does nothing`,
    unit: 'requests/s',
    run: () => measureAdapter(framework.toLowerCase(), 'idle', pairs, sliceSeconds),
  };
  // what has no goal is left to those who have the time
  return quick ? [bare] : [bare, idle];
}

const missed = await printTable(`${pairs} alternating pairs of ${sliceSeconds} s slices`, [
  {
    name: 'exchange of a hot token / jwtVerify RS256',
    unit: 'µs',
    atMost: 0.03,
    run: () => measureExchange(pairs, sliceSeconds / 5),
  },
  ...adapter('Express', 0.97),
  ...adapter('Fastify', 0.9),
  ...adapter('Hono', 0.9),
]);
process.exitCode = missed === 0 ? 0 : 1;
