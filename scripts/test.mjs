// Every test of every package; then a search for planted secrets in all that was printed.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { findLeaks } from './canaries.mjs';
import { findRedisServer } from './redis-server.mjs';
import { environment, install, must, root, run, turbo } from './workspace.mjs';

install();
if (!process.env.REDIS_URL) environment.REDIS_SERVER_BIN = findRedisServer();
must(await turbo('build'), 'the build');

const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
);
const reports = () => folders.map((folder) => join(folder, '.vitest', 'results.json')).filter(existsSync);
for (const report of reports()) rmSync(report);

const chunks = [];
const succeeded = await run(
  'turbo',
  ['run', 'test', '--force', '--concurrency=1', '--output-logs=full', '--log-order=grouped', '--continue'],
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
for (const name of leaks) console.error(`the ${name} canary was printed by the tests`);

let passed = 0;
let failed = leaks.length;
for (const report of reports()) {
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests || (numFailedTestSuites > 0 ? 1 : 0);
}
if (failed === 0 && !succeeded) failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
