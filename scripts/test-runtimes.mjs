// Core's tests and the Hono adapter's cases on Node, Bun and Deno, and a worker in workerd. The runtimes come from the
// registry into runtimes/, apart from the workspace.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { forgetReport, readReport } from './reports.mjs';
import { environment, install, must, root, turbo } from './workspace.mjs';

const folder = join(root, 'runtimes');
const modules = join(folder, 'node_modules');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const { arch, platform } = process;

if (platform !== 'linux' || !['x64', 'arm64'].includes(arch)) {
  console.error(`the runtimes are pinned for linux on x64 and arm64, and this is ${platform} on ${arch}`);
  process.exit(1);
}

const binary = (x64, arm64) => join(modules, arch === 'x64' ? x64 : arm64);
const node = (major) => ({
  command: binary(`node-${major}-x64/bin/node`, `node-${major}-arm64/bin/node`),
  args: [],
});
// createFetch of core/node is for Node alone, and so are its tests
const withoutNode = ['--exclude', '**/node.test.ts'];
const runtimes = {
  'Node 20': node(20),
  'Node 22': node(22),
  'Node 24': node(24),
  Bun: {
    command: binary('@oven/bun-linux-x64/bin/bun', '@oven/bun-linux-aarch64/bin/bun'),
    args: ['--bun'],
    core: withoutNode,
  },
  Deno: {
    command: binary('@deno/linux-x64-glibc/deno', '@deno/linux-arm64-glibc/deno'),
    args: ['run', '-A'],
    core: withoutNode,
  },
};
const workerd = binary(
  '@cloudflare/workerd-linux-64/bin/workerd',
  '@cloudflare/workerd-linux-arm64/bin/workerd',
);

function installRuntimes() {
  const made = join(modules, '.modules.yaml');
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(join(folder, 'pnpm-lock.yaml')).mtimeMs) return;
  console.log('installing the runtimes');
  const args = [
    'install',
    '--ignore-workspace',
    '--ignore-scripts',
    '--frozen-lockfile',
    '--prefer-offline',
    '--reporter=append-only',
  ];
  execFileSync('pnpm', args, { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** "node 22.23.3" as the binary itself says it. */
function identify(name, { command }) {
  const [version] = execFileSync(command, ['--version'], { encoding: 'utf8' }).match(/\d+\.\d+\.\d+/) ?? [];
  return `${name.split(' ')[0].toLowerCase()} ${version}`;
}

function runVitest({ command, args }, project, expected, more = []) {
  const folder = join(root, project);
  forgetReport(folder);
  const { status, stdout, stderr } = spawnSync(
    command,
    [...args, vitest, 'run', '--coverage.enabled=false', ...more],
    {
      cwd: folder,
      env: { ...environment, EXPECTED_RUNTIME: expected },
      encoding: 'utf8',
      timeout: 900_000,
    },
  );
  const report = readReport(folder, `${expected}, ${project}`);
  if (report === undefined) {
    console.error(stdout + stderr);
    return { passed: 0, failed: 1 };
  }
  for (const line of report.lines) console.error(line);
  if (status === 0 || report.failed > 0) return report;
  // one that is killed has counted what it had run by then
  console.error(`failed: ${expected}, ${project}: it ended with ${status}`);
  return { ...report, failed: 1 };
}

const total = { passed: 0, failed: 0 };
function add(title, { passed, failed }) {
  total.passed += passed;
  total.failed += failed;
  console.log(`${title}: ${passed} passed, ${failed} failed;`);
}

install();
// what it builds with is there only now
const { testWorkerd } = await import('./test-workerd.mjs');
must(await turbo('build'), 'the build');
installRuntimes();
for (const [name, runtime] of Object.entries(runtimes)) {
  const identity = identify(name, runtime);
  add(`${identity}, its name`, runVitest(runtime, 'runtimes', identity));
  add(`${identity}, core`, runVitest(runtime, 'packages/core', identity, runtime.core));
  add(`${identity}, Hono adapter`, runVitest(runtime, 'packages/adapter-hono', identity));
}
add('workerd', await testWorkerd(workerd, []));
add("workerd with Node's modules", await testWorkerd(workerd, ['nodejs_compat']));
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
