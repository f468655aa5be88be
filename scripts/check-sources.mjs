// Files stay small, and no tracked file names a registry host or a path of somebody's machine.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './workspace.mjs';

const mostLines = 200;
const mostAdapterLines = 60;
const hosts = /registry\.(?:npmjs|yarnpkg)\.|deb\.debian\.org/;
const machinePaths = /(?:^|[^\w.-])\/(?:work|farm|root|home)\/[A-Za-z.]/;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const read = (file) => readFileSync(join(root, file), 'utf8');
const isCode = (line) => !/^\s*(?:$|\/\/|\/?\*)/.test(line);

const faults = [];
for (const file of files) {
  const text = read(file);
  if (basename(import.meta.url) !== basename(file)) {
    if (hosts.test(text)) faults.push(`${file}: names a registry host`);
    if (machinePaths.test(text)) faults.push(`${file}: holds a path of a machine`);
  }
  if (!/^packages\/[^/]+\/src\/.*\.ts$/.test(file) || file.endsWith('.test.ts')) continue;
  const lines = text.split('\n').filter(isCode).length;
  const most = /^packages\/adapter-[^/]+\/src\/index\.ts$/.test(file) ? mostAdapterLines : mostLines;
  if (lines > most) faults.push(`${file}: ${lines} lines of code, ${most} are allowed`);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
