// The tests that `npm test` runs in a tenth of their size, whole: 200,000 requests to eight instances, 5 GB up and
// down, a million JWTs with unknown keys. One after the other, so that each has the machine to itself.
import { join } from 'node:path';
import { createTests, prepareTests } from './package-tests.mjs';
import { environment, root } from './workspace.mjs';

const files = {
  'packages/cache-redis': 'src/fleet.test.ts',
  'packages/gateway': 'test/streams.test.ts',
  'packages/core': 'src/unknown-keys.test.ts',
};

await prepareTests();
environment.TEST_SIZE = 'full';
const folders = Object.entries(files).map(([name, file]) => [join(root, name), file]);
const tests = createTests(folders.map(([folder]) => folder));
for (const [folder, file] of folders) await tests.run(folder, [file]);
await tests.sum();
