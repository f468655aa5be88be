// Makes a gateway say on SIGUSR2 how much memory it keeps: what garbage collections leave. Bytes.
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', async () => {
  // what the first one frees may hold on to more
  for (let time = 0; time < 3; time++) {
    collect();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'memory', kept: heapUsed + external })}\n`);
});
