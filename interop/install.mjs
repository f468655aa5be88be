// Installs the real servers from Debian's packages where their commands are missing. Never skips: an interop run
// without the servers would prove nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { installBetterAuth } from './authorization-servers/better-auth/install.mjs';
import { packages as django } from './authorization-servers/django/server.mjs';
import { packages as doorkeeper } from './authorization-servers/doorkeeper/server.mjs';
import { packages as glewlwyd } from './authorization-servers/glewlwyd/server.mjs';
import { packages as lemonldapNg } from './authorization-servers/lemonldap-ng/server.mjs';
import { packages as oidcProvider } from './authorization-servers/oidc-provider/server.mjs';
import { findCommand } from './commands.mjs';

// package -> its command, or a file of a library
const packages = {
  nginx: 'nginx',
  caddy: 'caddy',
  haproxy: 'haproxy',
  apache2: 'apache2',
  ...oidcProvider,
  ...glewlwyd,
  ...lemonldapNg,
  ...django,
  ...doorkeeper,
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

const isMissing = (name) => {
  const mark = packages[name];
  return mark.startsWith('/') ? !existsSync(mark) : findCommand(mark) === undefined;
};

const disable = (names) => {
  for (const name of names)
    if (existsSync(`/usr/lib/systemd/system/${name}.service`)) run('systemctl', ['disable', name]);
};

export const install = () => {
  installBetterAuth();
  const missing = Object.keys(packages).filter(isMissing);
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
    if (existsSync('/run/systemd/system')) disable(missing);
  });
  const still = missing.filter(isMissing);
  if (still.length > 0)
    throw new Error(`installed ${still.join(', ')}, but what they bring is still missing; ${byHand}`);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) install();
