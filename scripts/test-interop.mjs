// The gateway behind real gateways and in front of real authorization servers, most of them from Debian's packages.
import { install, must, run, turbo } from './workspace.mjs';

install();
must(await turbo('build', ['--filter=@phantom-token/gateway']), 'the build');
process.exitCode = (await run(process.execPath, ['interop/run.mjs'])) ? 0 : 1;
