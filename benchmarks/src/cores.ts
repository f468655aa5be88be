import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const cores = readCores();

/**
 * Keeps this process and another on a core each, as where the other is another machine. Otherwise the scheduler now has
 * them take turns on one, now lets them run side by side, as it likes, and differently from slice to slice. Who has which
 * may be swapped: no two cores are alike. Returns whether it could: it takes two cores, Linux, and `taskset`.
 */
export function keepApart({ pid }: ChildProcess, isSwapped = false): boolean {
  const [own, other] = isSwapped ? cores.toReversed() : cores;
  return own !== other && pin(process.pid, own) && pin(pid, other);
}

/** The first and the last core that this process may use. */
function readCores(): readonly [string | undefined, string | undefined] {
  try {
    const [, list = ''] =
      /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const cores = list.match(/\d+/g) ?? [];
    return [cores.at(0), cores.at(-1)];
  } catch {
    return [undefined, undefined];
  }
}

/** The thread that runs JavaScript, or commands: helpers go where there is room. */
const pin = (pid: number | undefined, core: string | undefined): boolean =>
  spawnSync('taskset', ['-cp', String(core), String(pid)]).status === 0;
