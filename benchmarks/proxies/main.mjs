// Compares proxies in one run, on the same cores, under the same load: see the README beside it.
import { startAuthorizationServer } from './authorization-server.mjs';
import { installPackages } from './install.mjs';
import { measureSlice } from './load.mjs';
import { readOptions } from './options.mjs';
import { measurePairs } from './paired.mjs';
import { stopAll } from './processes.mjs';
import { subjects } from './subjects.mjs';
import { printHead, printRow } from './table.mjs';
import { startUpstream } from './upstream.mjs';
import { verify } from './verify.mjs';

/** Starts every subject before anything is measured, so that all that is missing is said at once. */
async function startSubjects(ids, upstream, endpoint, warmUpSeconds) {
  const ports = new Map();
  const failures = [];
  for (const id of ids) {
    try {
      const port = await subjects[id].start(upstream, endpoint);
      await verify(subjects[id], port);
      // V8 needs a while until what is hot is compiled
      await measureSlice(port, warmUpSeconds);
      ports.set(id, port);
    } catch (error) {
      failures.push(`${id}, ${subjects[id].name}: ${error.message}`);
    }
  }
  if (failures.length > 0) throw new Error(`some subjects cannot be measured:\n${failures.join('\n')}`);
  return ports;
}

async function compare() {
  const { slicePairs, warmUpSeconds, wanted } = readOptions();
  const ids = [...new Set(wanted.flatMap(([subject, baseline]) => [baseline, subject]))];
  installPackages([...new Set(['wrk', 'nginx', ...ids.flatMap((id) => subjects[id].needs ?? [])])]);
  const authorizationServer = await startAuthorizationServer();
  const upstream = await startUpstream(authorizationServer.jwt);
  const ports = await startSubjects(ids, upstream, authorizationServer.endpoint, warmUpSeconds);
  const askedBefore = authorizationServer.asked;

  printHead(slicePairs);
  let missed = 0;
  for (const [subject, baseline, goal] of wanted) {
    const result = await measurePairs(
      slicePairs,
      () => measureSlice(ports.get(subject)),
      () => measureSlice(ports.get(baseline)),
    );
    const name = `${subjects[subject].name} / ${subjects[baseline].name}`;
    if (!printRow(name, result, goal)) missed++;
  }

  const swapping = ids.filter((id) => subjects[id].swaps).map((id) => subjects[id].name);
  if (swapping.length > 0)
    console.log(
      `\nOnly answers to requests that reached the upstream with the JWT were counted for: ${swapping.join(', ')}.`,
    );
  if (ids.includes('i'))
    console.log('\nmod_oauth2 forwards the opaque token, not the JWT: its upstream accepts everything.');
  console.log(`\nIntrospections while measuring: ${authorizationServer.asked - askedBefore}.`);
  return missed;
}

try {
  process.exitCode = (await compare()) === 0 ? 0 : 1;
} catch (error) {
  console.error(error.message);
  if (error.cause !== undefined) console.error(error.cause.message);
  process.exitCode = 1;
} finally {
  await stopAll();
}
