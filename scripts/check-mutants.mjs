// Breaks each rule of core in turn and runs the adapter cases: every break must fail a case, and every case must fail for
// some break. A mutant is a text change of core's sources. Not every mutant meets every case: those that never come by
// what it changes are left out, and those that failed for another are only run until one fails for this one too.
// `npm run test:mutants -- dpop` tries only the mutants with this word in their name, and says nothing of cases.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { mutants } from './mutants.mjs';
import { install, root } from './workspace.mjs';

const folder = join(root, 'packages/core/.mutants');
const timeLimitSeconds = 60;

/**
 * Runs all cases of the first list and, should none of them fail, those of the second until one does, and prints the
 * indexes of those that failed. When told to trace it runs all, one after the other, and prints which functions of core
 * each of them runs too.
 */
const runner = `
import { Session } from 'node:inspector/promises';
import { adapterCases } from './packages/conformance/src/index.ts';
import { serve } from './packages/conformance/test/node-http-adapter.ts';
process.on('uncaughtException', () => {}).on('unhandledRejection', () => {});
const within = (run) => Promise.race([run, new Promise((_, reject) => setTimeout(reject, 8000).unref())]);
const fails = (index) => within(adapterCases[index].run(serve)).then(() => false, () => true);

async function play(list, isEnough) {
  const failed = [];
  const left = [...list];
  const work = async () => {
    while (left.length > 0 && !isEnough(failed)) {
      const index = left.shift();
      // a busy machine may make a case fail once
      if ((await fails(index)) && (await fails(index))) failed.push(index);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return failed;
}

async function trace() {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const take = async () => {
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const core = result.find(({ url }) => url.endsWith('/core.js'));
    const ran = core?.functions.map(({ ranges: [range] }) => range).filter(({ count }) => count > 0) ?? [];
    return ran.map(({ startOffset, endOffset }) => [startOffset, endOffset]);
  };
  await take();
  const failed = [];
  const ran = [];
  for (const index of adapterCases.keys()) {
    if (await fails(index)) failed.push(index);
    ran.push(await take());
  }
  return { failed, titles: adapterCases.map(({ title }) => title), ran };
}

async function playInTurn(all, some) {
  const failed = await play(all, () => false);
  return { failed: failed.length > 0 ? failed : await play(some, ({ length }) => length > 0) };
}

const told = process.argv[2];
const outcome = told === 'trace' ? await trace() : await playInTurn(...JSON.parse(told));
process.stdout.write(JSON.stringify(outcome), () => process.exit());
`;

const bundled = { bundle: true, write: false, format: 'esm', platform: 'node', packages: 'external' };
const textOf = ({ outputFiles: [file] }) => file.text;

/** The cases and an adapter on node:http, around a core that stands beside them. */
const cases = textOf(
  await build({
    ...bundled,
    stdin: { contents: runner, resolveDir: root },
    plugins: [
      {
        name: 'core-beside',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^@phantom-token\/core(\/node)?$/ }, () => ({
            path: './core.js',
            external: true,
          })),
      },
    ],
  }),
);

const sourceFolder = join(root, 'packages/core/src');
const sources = readdirSync(sourceFolder)
  .filter((file) => /(?<!\.test)\.ts$/.test(file))
  .map((file) => [file, readFileSync(join(sourceFolder, file), 'utf8')]);

/** Both entries of core in one, with `text` in the place of the file of this name. */
async function buildCore(changed, text) {
  const result = await build({
    ...bundled,
    stdin: {
      contents: `export * from './index.ts'; export * from './node.ts';`,
      resolveDir: sourceFolder,
    },
    logLevel: 'silent',
    // else what a mutant no longer uses goes too, and the change is all over the file
    treeShaking: false,
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /packages\/core\/src\/[\w-]+\.ts$/ }, ({ path }) =>
            basename(path) === changed ? { contents: text, loader: 'ts' } : undefined,
          ),
      },
    ],
  });
  return textOf(result);
}

/** What the runner says, or nothing where it hangs or crashes. */
function run(name, core, told, seconds = timeLimitSeconds) {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'core.js'), core);
  writeFileSync(join(place, 'cases.mjs'), cases);
  const options = { timeout: seconds * 1000, maxBuffer: 2 ** 28 };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(place, 'cases.mjs'), told], options, (_error, stdout) => {
      rmSync(place, { recursive: true, force: true });
      resolve(stdout.startsWith('{') ? JSON.parse(stdout) : undefined);
    });
  });
}

/** The first and the last character of `original` that `broken` has not. */
function findChange(original, broken) {
  const most = Math.min(original.length, broken.length);
  let start = 0;
  while (start < most && original[start] === broken[start]) start++;
  let same = 0;
  while (same < most - start && original.at(-1 - same) === broken.at(-1 - same)) same++;
  return [start, Math.max(start + 1, original.length - same)];
}

/** The cases that run the innermost function around the change: all of them, where it is in none. */
function findCases(ran, [start, end]) {
  const isAround = ([from, to]) => from <= start && end <= to;
  const around = ran.flat().filter(isAround);
  const length = Math.min(...around.map(([from, to]) => to - from));
  const isInnermost = (range) => isAround(range) && range[1] - range[0] === length;
  return [...ran.keys()].filter((index) => around.length === 0 || ran[index].some(isInnermost));
}

install();
rmSync(folder, { recursive: true, force: true });
const faults = [];
const original = await buildCore();
const { failed, titles, ran } = (await run('unbroken', original, 'trace', 600)) ?? {};
if (failed?.length !== 0)
  throw new Error(`cases fail though nothing is broken: ${failed?.map((one) => titles[one])}`);

/** These requests never come as far as core. */
const ofTheParser =
  / inside a token: 400, from the HTTP parser or from us$|: 400 and the connection is closed$/;

const caught = new Set();
let survivors = 0;

async function tryMutant(number, [name, find, replacement, only]) {
  const found = sources.filter(([file, text]) => (only ?? file) === file && text.includes(find));
  const [[file, text] = []] = found;
  if (found.length !== 1 || text.indexOf(find) !== text.lastIndexOf(find)) {
    const where = found.map(([place]) => place).join(', ') || 'nowhere';
    return faults.push(`the text of "${name}" must be in core once, and is in: ${where}`);
  }
  const broken = await buildCore(
    file,
    text.replace(find, () => replacement),
  ).catch(() => original);
  if (broken === original) return faults.push(`"${name}" changes nothing, or is no code`);
  const near = findCases(ran, findChange(original, broken));
  const told = [near.filter((one) => !caught.has(one)), near.filter((one) => caught.has(one))];
  const outcome = await run(String(number), broken, JSON.stringify(told));
  // one that hangs or crashes is noticed too, but says nothing of single cases
  for (const one of outcome?.failed ?? []) caught.add(one);
  if (outcome?.failed.length === 0) {
    survivors++;
    faults.push(`nobody notices: ${name}`);
  }
  const verdict = outcome === undefined ? 'hangs' : outcome.failed.length === 0 ? 'survives' : 'caught';
  console.log(`${verdict.padEnd(9)}${name}`);
}

const words = process.argv.slice(2);
const left = [...mutants.entries()].filter(([, [name]]) => words.every((word) => name.includes(word)));
const tried = left.length;
async function work() {
  for (let next = left.shift(); next; next = left.shift()) await tryMutant(...next);
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
rmSync(folder, { recursive: true, force: true });

if (words.length === 0) {
  for (const [index, title] of titles.entries()) {
    if (!caught.has(index) && !ofTheParser.test(title)) faults.push(`fails for no mutant: ${title}`);
  }
}
for (const fault of faults) console.error(fault);
console.log(
  `${tried - survivors} mutants caught, ${survivors} survived; ${caught.size} of ${titles.length} cases fail when their rule is broken`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
