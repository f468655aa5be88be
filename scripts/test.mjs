// Every test of every package.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createTests, prepareTests } from './package-tests.mjs';
import { root } from './workspace.mjs';

await prepareTests();

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
const tests = createTests([...apps, ...packages]);

const waiting = [...packages];
async function work() {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) await tests.run(folder);
}
// two at once, since much of the time goes into waiting for servers that are ill on purpose; apps hardly do anything else
await Promise.all([...apps.map((folder) => tests.run(folder)), work(), work()]);
await tests.sum();
