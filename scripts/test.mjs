// Every test of every package; then a search for planted secrets in all that was printed.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { findLeaks } from './canaries.mjs';
import { findRedisServer } from './redis-server.mjs';
import { forgetReport, readReport } from './reports.mjs';
import { environment, install, must, root, run, turbo } from './workspace.mjs';

install();
if (!process.env.REDIS_URL) environment.REDIS_SERVER_BIN = findRedisServer();
// glibc gives freed memory back at once, and what moves gigabytes would spend a third of its time getting it again
environment.MALLOC_TOP_PAD_ ??= String(16 * 2 ** 20);
environment.MALLOC_TRIM_THRESHOLD_ ??= String(256 * 2 ** 20);
must(await turbo('build'), 'the build');

/** Bytes of tests in a folder. */
const sizeOfTests = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

const foldersIn = (parent) =>
  readdirSync(join(root, parent))
    .map((name) => join(root, parent, name))
    .filter((folder) => existsSync(join(folder, 'vitest.config.ts')));

const apps = foldersIn('apps');
// what takes longest first, so that it does not run alone at the end
const packages = foldersIn('packages')
  .map((folder) => ({ folder, size: sizeOfTests(folder) }))
  .sort((one, other) => other.size - one.size)
  .map(({ folder }) => folder);
const folders = [...apps, ...packages];
for (const folder of folders) forgetReport(folder);

let printed = '';
const broken = [];

/** Runs a package's tests; shows what they print when they have ended, since others print too. */
async function runTests(folder) {
  const name = basename(folder);
  const chunks = [];
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  // as it stands: a package manager in between takes a second of each
  const [tool, ...args] = scripts.test.split(' ');
  const succeeded = await run(tool, args, { cwd: folder, onOutput: (chunk) => chunks.push(chunk) });
  const output = stripVTControlCharacters(Buffer.concat(chunks).toString());
  console.log(`\n${name}\n${output}`);
  printed += output;
  if (!succeeded) broken.push(`failed: ${name}: ${scripts.test}`);
}

const waiting = [...packages];
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => waiting.splice(0));
async function work() {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) await runTests(folder);
}
// two at once, since much of the time goes into waiting for servers that are ill on purpose; apps hardly do anything else
await Promise.all([...apps.map(runTests), work(), work()]);

const { canaries } = await import('../packages/conformance/dist/index.js');
const leaks = findLeaks(printed, canaries);

const total = { passed: 0, failed: leaks.length };
const failures = leaks.map((name) => `failed: the ${name} canary was printed by the tests`);
for (const folder of folders) {
  const name = basename(folder);
  const { passed, failed, lines } = readReport(folder, name) ?? {
    passed: 0,
    failed: 1,
    lines: [`failed: ${name}: its tests did not run`],
  };
  total.passed += passed;
  total.failed += failed;
  failures.push(...lines);
}
if (total.failed === 0 && broken.length > 0) {
  total.failed = broken.length;
  failures.push(...broken);
}
for (const line of failures) console.error(line);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
