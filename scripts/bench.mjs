// The adapters, what trust costs, the shared cache, then the proxies; `adapters`, `trust`, `shared` or `proxies` names one of
// them. Other arguments go on to all.
import { install, must, run, turbo } from './workspace.mjs';

const benchmarks = {
  adapters: ['dist/main.js'],
  trust: ['dist/trust.js'],
  shared: ['dist/shared.js', 'dist/faults.js', 'dist/revocation.js'],
  proxies: ['proxies/main.mjs'],
};
const args = process.argv.slice(2);
const named = args.filter((it) => it in benchmarks);
const options = args.filter((it) => !(it in benchmarks));

install();
must(await turbo('build', ['--filter=@phantom-token/benchmarks...']), 'the build');
for (const name of named.length > 0 ? named : Object.keys(benchmarks)) {
  console.log(`\n${name}\n`);
  for (const file of benchmarks[name])
    if (!(await run(process.execPath, [`benchmarks/${file}`, ...options]))) process.exitCode = 1;
}
