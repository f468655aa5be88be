// Breaks each rule of core in turn and runs all adapter cases: every break must fail a case, and every case must fail for
// some break. A mutant is a text change of core's built file, bundled with the cases and an adapter on node:http.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { mutants } from './mutants.mjs';
import { install, must, root, turbo } from './workspace.mjs';

const folder = join(root, 'packages/core/.mutants');
const timeLimitSeconds = 60;

/** Runs the cases some at a time, and prints the titles of those that fail. */
const runner = `
import { adapterCases } from '@phantom-token/conformance';
import { serve } from './packages/conformance/test/node-http-adapter.ts';
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {});
const left = adapterCases.map((one, index) => [index, one]);
const failed = [];
const within = (run) => Promise.race([run, new Promise((_, reject) => setTimeout(reject, 8000).unref())]);
async function work() {
  for (let next = left.shift(); next; next = left.shift()) {
    const [index, { run }] = next;
    await within(run(serve)).catch(() => failed.push(index));
  }
}
await Promise.all(Array.from({ length: 8 }, work));
process.stdout.write(JSON.stringify(failed), () => process.exit());
`;

async function runCases(name, source) {
  const core = join(folder, `${name}.js`);
  const outfile = join(folder, `${name}.bundle.mjs`);
  writeFileSync(core, source);
  await build({
    stdin: { contents: runner, resolveDir: root },
    alias: {
      '@phantom-token/core': core,
      '@phantom-token/conformance': join(root, 'packages/conformance/dist/index.js'),
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
  return new Promise((resolve) => {
    execFile(process.execPath, [outfile], { timeout: timeLimitSeconds * 1000 }, (_error, stdout) =>
      // one that hangs or crashes is noticed too, but says nothing of single cases
      resolve(stdout.startsWith('[') ? JSON.parse(stdout) : undefined),
    );
  });
}

install();
must(await turbo('build', ['--filter=@phantom-token/conformance...']), 'the build');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const original = readFileSync(join(root, 'packages/core/dist/index.js'), 'utf8');
const { adapterCases } = await import('../packages/conformance/dist/index.js');

const faults = [];
const unbroken = await runCases('unbroken', original);
if (unbroken?.length !== 0) faults.push('the cases fail although nothing is broken');

const caught = new Set();
let survivors = 0;
const left = mutants.map((mutant, index) => [index, mutant]);
async function work() {
  for (let next = left.shift(); next; next = left.shift()) {
    const [index, [name, find, replacement]] = next;
    if (!original.includes(find)) {
      faults.push(`core has no text for "${name}": ${find}`);
      continue;
    }
    const failed = await runCases(
      String(index),
      original.replace(find, () => replacement),
    );
    for (const one of failed ?? []) caught.add(one);
    if (failed?.length === 0) {
      survivors++;
      faults.push(`nobody notices: ${name}`);
    }
    console.log(`${String(failed?.length ?? 'hangs').padStart(5)}  ${name}`);
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
rmSync(folder, { recursive: true, force: true });

for (const [index, { title }] of adapterCases.entries()) {
  if (!caught.has(index)) faults.push(`fails for no mutant: ${title}`);
}
for (const fault of faults) console.error(fault);
console.log(
  `${mutants.length - survivors} mutants caught, ${survivors} survived; ${caught.size} of ${adapterCases.length} cases fail when their rule is broken`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
