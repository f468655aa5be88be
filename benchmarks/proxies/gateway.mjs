import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientId, clientSecret } from './authorization-server.mjs';
import { proxyCore } from './cores.mjs';
import { makeFolder, start, within } from './processes.mjs';

const option = process.argv.find((it) => it.startsWith('--gateway='))?.slice('--gateway='.length);
const command = option ?? fileURLToPath(new URL('../../packages/gateway/dist/cli.js', import.meta.url));

/** Starts the gateway before an upstream, with `auth` as its only route has it. JSON is YAML, too. */
export async function startGateway(auth, upstreamPort, introspectionEndpoint, nodeOptions = []) {
  if (!existsSync(command)) throw new Error(`the gateway is not built: ${command} is missing; npm run build`);
  const name = `gateway-${auth}`;
  const file = join(makeFolder(name), 'gateway.yaml');
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    introspection: {
      endpoint: introspectionEndpoint,
      clientAuth: { method: 'client_secret_basic', clientId, clientSecret },
      accept: 'application/jwt',
      allowInsecureRequests: true,
    },
    cache: { maxTtlSeconds: 3600 },
    routes: [{ path: '/', upstream: `http://127.0.0.1:${upstreamPort}`, auth }],
  };
  writeFileSync(file, JSON.stringify(config, null, 2));
  const server = start(name, proxyCore, process.execPath, [...nodeOptions, command, '--config', file]);
  const url = await within(server, readUrl(server.child));
  return { port: Number(new URL(url).port), child: server.child };
}

function readUrl(child) {
  return new Promise((resolve) => {
    // goes on reading to the end, lest the pipe fills
    createInterface(child.stdout).on('line', (line) => {
      if (line.includes('"msg":"listening"')) resolve(JSON.parse(line).url);
    });
  });
}
