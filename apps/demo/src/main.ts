import { parseArgs } from 'node:util';
import { getToken } from './app.js';
import { clients } from './authorization-server.js';
import { playStory, steps } from './story.js';
import { type Break, startWorld, type World } from './world.js';

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    break: { type: 'string' },
    curity: { type: 'string' },
    'curity-issuer': { type: 'string' },
  },
});
const { curity, 'curity-issuer': curityIssuer } = values;
const broken = values.break as Break | undefined;
if (broken !== undefined && !steps.some(({ name }) => name === broken)) {
  console.error(`--break takes the name of a step: ${steps.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const introduce = ({ authorizationServer, api, gateways }: World) => {
  console.log(`authorization server  ${authorizationServer.issuer}`);
  console.log(`API                   ${api.url}`);
  for (const { name, url } of gateways) console.log(`${name.padEnd(22)}${url}`);
};

async function play(): Promise<number> {
  const world = await startWorld({ broken, curity, curityIssuer });
  introduce(world);
  const failed = await playStory(world, console.log);
  await world.close();
  console.log(failed === undefined ? '\nevery step held' : `\nfailed: ${failed}`);
  return failed === undefined ? 0 : 1;
}

/** The story stopped its authorization server, so what stays is a world of its own. */
async function serve(): Promise<void> {
  const world = await startWorld({ curity, curityIssuer });
  console.log('\nnow serving until Ctrl-C:');
  introduce(world);
  const token = await getToken(world.authorizationServer.url, 'read write');
  console.log('\ntry it with a token for ten minutes:');
  for (const { name, url } of world.gateways)
    console.log(`curl -H 'Authorization: Bearer ${token}' ${url}/orders  # ${name}`);
  if (!world.isRemote) {
    const { authorizationServer, api } = world;
    console.log('\nor put the gateway of packages/gateway in front of the API, as its README says, with');
    console.log(
      `export ISSUER=${authorizationServer.issuer} API_URL=${api.url} CLIENT_SECRET=${clients.gateway.secret} TOKEN=${token}`,
    );
  }
  const stop = () => void world.close().then(() => process.exit(0));
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

const status = await play();
if (values.once || status !== 0) process.exit(status);
await serve();
