import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { token } from './authorization-server.mjs';
import { loadCore, readTicks } from './cores.mjs';

/**
 * Puts wrk's load on a port for a while: how many requests were answered in a second, and how busy the proxy's core was.
 * Throws when one was not answered with 2xx: what the upstream does not accept is no exchange and must not count.
 */
export async function measureSlice(port, seconds = 1) {
  const before = readTicks();
  const { stdout } = await promisify(execFile)('taskset', [
    '-c',
    String(loadCore),
    'wrk',
    '-t1',
    '-c64',
    `-d${seconds}s`,
    '-H',
    `Authorization: Bearer ${token}`,
    `http://127.0.0.1:${port}/api/orders`,
  ]);
  const after = readTicks();
  // wrk prints these lines only when there is something to say
  const trouble = stdout.match(/^ *(Non-2xx|Socket errors).*$/gm);
  if (trouble !== null)
    throw new Error(`a slice does not count: ${trouble.map((it) => it.trim()).join('; ')}`);
  const rate = Number(stdout.match(/^Requests\/sec: *([\d.]+)$/m)?.[1]);
  if (!(rate > 0)) throw new Error(`wrk gave no rate:\n${stdout}`);
  return { rate, busy: (after.busy - before.busy) / (after.total - before.total) };
}
