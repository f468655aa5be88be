// The adapters, what trust costs, the shared cache, then the proxies; `adapters`, `trust`, `shared` or `proxies` names one of
// them. Other arguments go on to all.
import { install, must, run, turbo } from './workspace.mjs';

const benchmarks = {
  adapters: 'benchmarks/dist/main.js',
  trust: 'benchmarks/dist/trust.js',
  shared: 'benchmarks/dist/shared.js',
  proxies: 'benchmarks/proxies/main.mjs',
};
const args = process.argv.slice(2);
const named = args.filter((it) => it in benchmarks);
const options = args.filter((it) => !(it in benchmarks));

install();
must(await turbo('build', ['--filter=@phantom-token/benchmarks...']), 'the build');
for (const name of named.length > 0 ? named : Object.keys(benchmarks)) {
  console.log(`\n${name}\n`);
  if (!(await run(process.execPath, [benchmarks[name], ...options]))) process.exitCode = 1;
}
