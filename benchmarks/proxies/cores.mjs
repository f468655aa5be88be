import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The proxy under test has a core of its own; what it stands between shares the other. */
export const proxyCore = 0;
export const loadCore = 1;

if (availableParallelism() < 2)
  throw new Error('the comparison needs two cores: one for the proxy, one for the load');

/** Ticks that the proxy's core has spent, at work and in all. */
export function readTicks() {
  const line = readFileSync('/proc/stat', 'latin1').match(new RegExp(`^cpu${proxyCore} (.*)$`, 'm'));
  if (line === null) throw new Error(`/proc/stat says nothing of core ${proxyCore}`);
  const [user, nice, system, idle, iowait, ...others] = line[1].split(' ').map(Number);
  // guest time, the last two, is in user and nice already
  const busy = user + nice + system + others.slice(0, 3).reduce((sum, it) => sum + it, 0);
  return { busy, total: busy + idle + iowait };
}
