// Finds a Redis server for the tests, or gets one. Prints its path when run directly.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const names = ['redis-server', 'valkey-server'];
const cacheFolder = fileURLToPath(new URL('../.cache/redis', import.meta.url));

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);

// what is unpacked without root finds its libraries through a wrapper beside it
const wrapper = join(cacheFolder, 'redis-server');

const findInstalled = () => [onPath(), wrapper].find((path) => path !== undefined && isExecutable(path));

const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });

function installAsRoot() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  // the package would start a server of its own, which the tests do not want
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], { env });
}

const packages = [
  'redis-server',
  'redis-tools',
  'libatomic1',
  'libhiredis0.14',
  'libjemalloc2',
  'liblua5.1-0',
  'liblzf1',
  'lua-bitop',
  'lua-cjson',
];

function unpackWithoutRoot() {
  mkdirSync(cacheFolder, { recursive: true });
  run('apt-get', ['download', '-qq', ...packages], { cwd: cacheFolder });
  for (const file of readdirSync(cacheFolder).filter((name) => name.endsWith('.deb'))) {
    run('dpkg', ['-x', file, '.'], { cwd: cacheFolder });
  }
  const libraries = readdirSync(join(cacheFolder, 'usr/lib')).map((folder) =>
    join(cacheFolder, 'usr/lib', folder),
  );
  const script = `#!/bin/sh\nLD_LIBRARY_PATH='${libraries.join(':')}' exec '${join(cacheFolder, 'usr/bin/redis-server')}' "$@"\n`;
  writeFileSync(wrapper, script, { mode: 0o755 });
}

/** The path of a Redis or Valkey server's binary. Throws, saying what to do, where none is to be had. */
export function findRedisServer() {
  const named = process.env.REDIS_SERVER_BIN;
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`REDIS_SERVER_BIN is ${named}, which cannot be run`);
  }
  const found = findInstalled();
  if (found) return found;
  try {
    if (!existsSync('/usr/bin/apt-get')) throw new Error('there is no apt-get');
    if (process.getuid?.() === 0) installAsRoot();
    else unpackWithoutRoot();
  } catch (cause) {
    throw new Error(
      'the tests need a Redis server: install redis-server or valkey-server, or set REDIS_SERVER_BIN to one, or REDIS_URL to a running one',
      { cause },
    );
  }
  const installed = findInstalled();
  if (installed) return installed;
  throw new Error('redis-server was installed but is not where it should be; set REDIS_SERVER_BIN');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(findRedisServer());
