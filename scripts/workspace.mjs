// What every root command does first: install what is missing, and run tools from node_modules. No dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

/** What every tool is given. */
export const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
environment.PATH = bin + delimiter + (process.env.PATH ?? '');
// a warm cache replays logs and runs nothing
if (process.env.CI) environment.TURBO_FORCE = 'true';

/** Whether node_modules was made from the lockfile as it stands. */
function isInstalled() {
  const made = join(root, 'node_modules', '.modules.yaml');
  return existsSync(made) && statSync(made).mtimeMs >= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs;
}

/** Installs by the lockfile, with the pnpm that package.json pins, unless that was done already. */
export function install() {
  if (isInstalled()) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const pnpm = existsSync(join(bin, 'pnpm'))
    ? ['pnpm']
    : ['npm', 'exec', '--yes', `--package=${packageManager}`, '--', 'pnpm'];
  const args = ['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only'];
  console.log('installing dependencies');
  const [command, ...before] = pnpm;
  const { status, stdout, stderr } = spawnSync(command, [...before, ...args], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
  });
  if (status === 0) return;
  console.error(stdout + stderr);
  throw new Error('the dependencies could not be installed');
}

/** Runs a tool; resolves to whether it succeeded. What it prints is shown, or given to `onOutput`. */
export function run(command, args, { cwd = root, onOutput } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: environment,
      stdio: onOutput ? ['inherit', 'pipe', 'pipe'] : 'inherit',
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput);
    // whoever is at the keyboard interrupts the child too; we wait for it
    const wait = () => {};
    const end = () => child.kill('SIGTERM');
    process.on('SIGINT', wait).on('SIGTERM', end);
    child.on('error', (error) => console.error(error.message));
    child.on('close', (code) => {
      process.off('SIGINT', wait).off('SIGTERM', end);
      resolve(code === 0);
    });
  });
}

/** `turbo run`, quiet where all is well. */
export const turbo = (task, args = [], options = {}) =>
  run('turbo', ['run', task, '--output-logs=errors-only', '--log-order=grouped', ...args], options);

/** Ends the process with failure, saying why, unless the step succeeded. */
export function must(succeeded, what) {
  if (succeeded) return;
  console.error(`failed: ${what}`);
  process.exit(1);
}
