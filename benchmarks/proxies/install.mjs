// Gets what the comparison runs besides Node from Debian's packages. Run directly, it installs what is missing.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Each package with a file by which it is known to be there. */
const packages = {
  wrk: '/usr/bin/wrk',
  nginx: '/usr/sbin/nginx',
  'libnginx-mod-http-lua': '/usr/lib/nginx/modules/ngx_http_lua_module.so',
  apache2: '/usr/sbin/apache2',
  'libapache2-mod-oauth2': '/usr/lib/apache2/modules/mod_oauth2.so',
};

const policy = '/usr/sbin/policy-rc.d';
const isMissing = (name) => !existsSync(packages[name]);

/** Throws, saying what to do, when a needed package is missing and cannot be had. */
export function installPackages(needed = Object.keys(packages)) {
  if (!existsSync('/usr/bin/taskset')) throw new Error('taskset is missing: install util-linux');
  const missing = needed.filter(isMissing);
  if (missing.length === 0) return;
  const advice = `install them: apt-get install ${missing.join(' ')}`;
  if (!existsSync('/usr/bin/apt-get')) throw new Error(`this is no Debian; ${advice}`);
  if (process.getuid?.() !== 0) throw new Error(`only root can install packages; ${advice}`);
  try {
    withoutServices(missing, () => {
      apt('update', '-qq');
      apt('install', '-y', '-qq', '--no-install-recommends', ...missing);
    });
  } catch (cause) {
    throw new Error(`apt-get failed; ${advice}`, { cause });
  }
  const left = missing.filter(isMissing);
  if (left.length > 0) throw new Error(`${left.join(', ')} installed, but not where it should be`);
}

function apt(...args) {
  execFileSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** The packages of servers start them and have them started at boot; the benchmark wants neither. */
function withoutServices(installed, install) {
  const own = !existsSync(policy);
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (own) rmSync(policy);
  }
  const services = installed.filter((name) => name === 'nginx' || name === 'apache2');
  if (services.length > 0 && existsSync('/run/systemd/system')) {
    execFileSync('systemctl', ['disable', '--quiet', ...services], { stdio: 'inherit' });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPackages();
