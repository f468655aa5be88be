// Installs what is missing, runs every test here one file at a time, and ends with `N passed, N failed`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { install } from './install.mjs';

install();

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = ['.', 'authorization-servers'].flatMap((name) =>
  readdirSync(join(folder, name))
    .filter((file) => file.endsWith('.test.mjs'))
    .map((file) => join(folder, name, file)),
);

let passed = 0;
let failed = 0;
const failures = [];
// Suites and files count only where they fail by themselves: a file that does not load, a `before` that throws.
const isGroup = (data) => data.details.type === 'suite' || files.includes(data.name);
const stream = run({ files, concurrency: 1 });
stream.on('test:pass', (data) => {
  // A skipped test proves nothing, and nothing here may be skipped.
  if (data.skip !== undefined || data.todo !== undefined) failed += 1;
  else if (!isGroup(data)) passed += 1;
});
stream.on('test:fail', (data) => {
  if (isGroup(data) && data.details.error?.failureType === 'subtestsFailed') return;
  failed += 1;
  failures.push(`failed: ${data.name}: ${String(data.details.error?.message).split('\n')[0]}\n`);
});

const report = stream.compose(spec);
report.pipe(process.stdout);
report.on('end', () => {
  if (passed === 0) failed += 1;
  for (const line of failures) process.stdout.write(line);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
});
