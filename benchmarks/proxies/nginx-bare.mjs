import { proxyCore } from './cores.mjs';
import { keptUpstream, proxyToKept, startNginx } from './nginx.mjs';
import { freePort } from './processes.mjs';

export async function startBareNginx(upstreamPort) {
  const port = await freePort();
  return startNginx(
    'nginx',
    proxyCore,
    port,
    `${keptUpstream(upstreamPort)}
  server {
    listen 127.0.0.1:${port};
    location / {
      ${proxyToKept}
    }
  }`,
  );
}
