import { fileURLToPath } from 'node:url';
import { proxyCore } from './cores.mjs';
import { start, within } from './processes.mjs';

const script = fileURLToPath(new URL('serve.mjs', import.meta.url));

/** Starts a framework before an upstream, with the usual proxy of its kind (`bare`) or our forwarder (`ours`). */
export async function startFramework(framework, kind, upstreamPort) {
  const server = start(
    `${framework}-${kind}`,
    proxyCore,
    process.execPath,
    [script, framework, kind, String(upstreamPort)],
    { ipc: true },
  );
  const { port } = await within(server, new Promise((resolve) => server.child.once('message', resolve)));
  return port;
}
