import { install, must, run, turbo } from './workspace.mjs';

install();
must(await turbo('build', ['--filter=@phantom-token/benchmarks...']), 'the build');
process.exitCode = (await run(process.execPath, ['benchmarks/dist/main.js', ...process.argv.slice(2)]))
  ? 0
  : 1;
