// Where the gateway's time goes under load: its functions with the most time of their own. [--seconds=5]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAuthorizationServer } from './authorization-server.mjs';
import { startGateway } from './gateway.mjs';
import { installPackages } from './install.mjs';
import { measureSlice } from './load.mjs';
import { makeFolder, stop, stopAll } from './processes.mjs';
import { startUpstream } from './upstream.mjs';

const shown = 30;
const seconds = Number(process.argv.find((it) => it.startsWith('--seconds='))?.split('=')[1] ?? 5);

async function recordProfiles(folder) {
  installPackages(['wrk', 'nginx']);
  const { jwt, endpoint } = await startAuthorizationServer();
  const upstream = await startUpstream(jwt);
  const { port, child } = await startGateway('required', upstream.strict, endpoint, [
    '--cpu-prof',
    `--cpu-prof-dir=${folder}`,
  ]);
  const { rate } = await measureSlice(port, seconds);
  // Node writes the profile when it ends in an orderly way, which the gateway does when it is asked to
  await stop(child);
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0)
    throw new Error('the gateway left no profile: it did not end in an orderly way on SIGTERM');
  const profiles = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  return { rate, profiles };
}

const placeOf = ({ functionName, url, lineNumber }) => {
  const file = url.replace(/^.*\/((?:packages|node_modules)\/)/, '$1').replace(/^file:.*\//, '');
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
};

/** Microseconds that each function had of its own, in a profile. */
function selfTimes({ nodes, samples, timeDeltas }) {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map();
  for (const [index, id] of samples.entries()) {
    const place = places.get(id);
    times.set(place, (times.get(place) ?? 0) + timeDeltas[index]);
  }
  times.delete('(idle)');
  return times;
}

const sum = (times) => [...times.values()].reduce((total, it) => total + it, 0);

try {
  const { rate, profiles } = await recordProfiles(makeFolder('profiles'));
  // where workers do the work, the process that started them has a profile, too, with next to nothing in it
  const times = profiles.map(selfTimes).toSorted((one, other) => sum(other) - sum(one))[0];
  const total = sum(times);
  const top = [...times].toSorted(([, one], [, other]) => other - one).slice(0, shown);
  console.log(`${rate.toFixed(0)} requests/s while profiled, over ${seconds} s\n`);
  console.log('| function | self | |');
  console.log('| --- | --- | --- |');
  for (const [place, time] of top)
    console.log(`| ${place} | ${(time / 1000).toFixed(0)} ms | ${((100 * time) / total).toFixed(1)} % |`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await stopAll();
}
