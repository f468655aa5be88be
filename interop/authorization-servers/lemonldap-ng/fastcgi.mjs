// llng-fastcgi-server in the foreground, with its workers as a process group of its own.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requireCommand } from '../../commands.mjs';
import '../../signals.mjs';

const stopSeconds = 30;
const account = 'www-data';

/** Starts it in a folder with its configuration, which it gets to own: it refuses to be root. */
export const startFastCgi = (folder, env) => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) spawnSync('chown', ['-R', `${account}:${account}`, folder]);
  const args = ['--foreground', '--proc', '2'];
  args.push('--socket', join(folder, 'fastcgi.sock'), '--pid', join(folder, 'fastcgi.pid'));
  if (isRoot) args.push('--user', account, '--group', account);
  const child = spawn(requireCommand('llng-fastcgi-server'), args, {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const closed = once(child, 'close');
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {} // The group has ended already.
  };
  const killNow = () => kill('SIGKILL');
  process.on('exit', killNow);
  return {
    output: () => output,
    stop: async () => {
      process.off('exit', killNow);
      kill('SIGTERM');
      await Promise.race([closed, delay(stopSeconds * 1000, undefined, { ref: false })]);
      killNow();
      await closed;
    },
  };
};
