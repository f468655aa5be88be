import { install, must, run, turbo } from './workspace.mjs';

install();
must(await turbo('build', ['--filter=@phantom-token/demo...']), 'the build');
process.exitCode = (await run(process.execPath, ['apps/demo/dist/main.js', ...process.argv.slice(2)]))
  ? 0
  : 1;
