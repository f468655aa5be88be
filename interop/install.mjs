// Installs the real servers from Debian's packages where their commands are missing. Never skips: an interop run
// without the servers would prove nothing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// package -> command
const packages = { nginx: 'nginx', caddy: 'caddy', haproxy: 'haproxy', apache2: 'apache2' };

export const findCommand = (name) => {
  // The sbin folders are not on everybody's PATH, and Debian puts servers there.
  const folders = [
    ...(process.env.PATH ?? '').split(':').filter(Boolean),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
  ];
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {}
  }
  return undefined;
};

export const requireCommand = (name) => {
  const file = findCommand(name);
  if (file === undefined)
    throw new Error(`${name} is not installed: run \`node interop/install.mjs\` as root on Debian`);
  return file;
};

const run = (command, args) => {
  const { status, error } = spawnSync(command, args, {
    // Standard output stays free for the results.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
};

// A policy of 101 forbids the packages' scripts to start the service they install, so port 80 stays free.
const withoutServices = (work) => {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
};

export const install = () => {
  const missing = Object.keys(packages).filter((name) => findCommand(packages[name]) === undefined);
  if (missing.length === 0) return;
  const byHand = `install them yourself: apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (findCommand('apt-get') === undefined)
    throw new Error(`missing ${missing.join(', ')}, and there is no apt-get here; ${byHand}`);
  if (process.getuid?.() !== 0)
    throw new Error(`missing ${missing.join(', ')}, and only root can install them; ${byHand}`);
  withoutServices(() => {
    run('apt-get', ['update']);
    run('apt-get', ['install', '-y', '--no-install-recommends', ...missing]);
    // Nor at the next boot: the tests start their own. Without systemd there is nothing to switch off.
    if (existsSync('/run/systemd/system')) run('systemctl', ['disable', ...missing]);
  });
  const still = missing.filter((name) => findCommand(packages[name]) === undefined);
  if (still.length > 0)
    throw new Error(`installed ${still.join(', ')}, but the command is still missing; ${byHand}`);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) install();
