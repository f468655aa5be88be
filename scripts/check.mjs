// Types, lint, packaging, unused code, and what is checked of the sources and the lockfile. Runs all, then says what failed.
import { install, run, turbo } from './workspace.mjs';

const checks = {
  'build and packaging': () => turbo('packaging', ['--concurrency=2']),
  types: () => turbo('typecheck', ['--concurrency=2']),
  'format and lint': () => run('biome', ['ci', '--error-on-warnings', '.']),
  'unused code': () =>
    run('pnpm', ['dlx', '--silent', 'knip@6.44.2', '--no-progress', '--treat-config-hints-as-errors']),
  sources: () => run(process.execPath, ['scripts/check-sources.mjs']),
  'neutral bundle': () => run(process.execPath, ['scripts/check-neutral.mjs']),
  docs: () => run(process.execPath, ['scripts/check-docs.mjs']),
  lockfile: () => run(process.execPath, ['scripts/check-lockfile.mjs']),
};

install();
const failed = [];
for (const [name, check] of Object.entries(checks)) {
  console.log(`check: ${name}`);
  if (!(await check())) failed.push(name);
}
console.log(failed.length === 0 ? 'all checks passed' : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
