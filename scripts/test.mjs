// Every test of every package; then a search for planted secrets in all that was printed.
import { existsSync, readdirSync } from 'node:fs';
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

const folders = ['packages', 'apps']
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
  .filter((folder) => existsSync(join(folder, 'vitest.config.ts')));
for (const folder of folders) forgetReport(folder);

const chunks = [];
const succeeded = await run(
  'turbo',
  // all is built: two at once, since much of the time goes into waiting for servers that are ill on purpose
  [
    'run',
    'test',
    '--only',
    '--force',
    '--concurrency=2',
    '--output-logs=full',
    '--log-order=grouped',
    '--continue',
  ],
  {
    onOutput(chunk, stream) {
      chunks.push(chunk);
      stream.write(chunk);
    },
  },
);

const printed = stripVTControlCharacters(Buffer.concat(chunks).toString());
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
if (total.failed === 0 && !succeeded) {
  total.failed = 1;
  failures.push('failed: turbo run test');
}
for (const line of failures) console.error(line);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
