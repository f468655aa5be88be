// How the tests of packages are run, and what is said of them all; then a search for planted secrets in all that they printed.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { findLeaks } from './canaries.mjs';
import { findRedisServer } from './redis-server.mjs';
import { forgetReport, readReport } from './reports.mjs';
import { environment, install, must, run, turbo } from './workspace.mjs';

/** Installs and builds what is missing, and finds a Redis. */
export async function prepareTests() {
  install();
  if (!process.env.REDIS_URL) environment.REDIS_SERVER_BIN = findRedisServer();
  // glibc gives freed memory back at once, and what moves gigabytes would spend a third of its time getting it again
  environment.MALLOC_TOP_PAD_ ??= String(16 * 2 ** 20);
  environment.MALLOC_TRIM_THRESHOLD_ ??= String(256 * 2 ** 20);
  must(await turbo('build'), 'the build');
}

/** Those of some packages. */
export function createTests(folders) {
  for (const folder of folders) forgetReport(folder);
  let printed = '';
  const broken = [];
  let isInterrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      isInterrupted = true;
    });
  return {
    /**
     * Runs a package's tests, all or some files, unless we were told to end; shows what they print when they have ended,
     * since others print too.
     */
    async run(folder, files = []) {
      if (isInterrupted) return;
      const name = basename(folder);
      const chunks = [];
      const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      // as it stands: a package manager in between takes a second of each
      const [tool, ...args] = scripts.test.split(' ');
      // a rule on what is covered holds for all files together
      if (files.length > 0) args.push('--coverage.enabled=false', ...files);
      const succeeded = await run(tool, args, { cwd: folder, onOutput: (chunk) => chunks.push(chunk) });
      const output = stripVTControlCharacters(Buffer.concat(chunks).toString());
      console.log(`\n${name}\n${output}`);
      printed += output;
      if (!succeeded) broken.push(`failed: ${name}: ${scripts.test}`);
    },

    /** Says how many passed and which failed; the process will exit with 1 where any did. */
    async sum() {
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
    },
  };
}
