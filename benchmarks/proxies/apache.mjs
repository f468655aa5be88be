import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientId, clientSecret } from './authorization-server.mjs';
import { proxyCore } from './cores.mjs';
import { freePort, makeFolder, start, untilOpen } from './processes.mjs';

const program = '/usr/sbin/apache2';
const modules = '/usr/lib/apache2/modules';
const loaded = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'oauth2'];

/** mod_oauth2 checks the token by introspection and caches the answer, but forwards the opaque token: it does not swap. */
export async function startApache(upstreamPort, introspectionEndpoint) {
  const port = await freePort();
  const folder = makeFolder('apache');
  const introspection = new URLSearchParams({
    'introspect.auth': 'client_secret_basic',
    client_id: clientId,
    client_secret: clientSecret,
  });
  writeFileSync(
    join(folder, 'apache.conf'),
    `ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile apache.pid
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
ErrorLog error.log
LogLevel error
${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}

# one process, as many threads as the load has connections and more; connections are kept for good
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0

OAuth2TokenVerify introspect ${introspectionEndpoint} ${introspection}
ProxyPass / http://127.0.0.1:${upstreamPort}/
<Location />
  AuthType oauth2
  Require valid-user
</Location>
`,
  );
  const server = start(
    'apache',
    proxyCore,
    program,
    ['-d', folder, '-f', 'apache.conf', '-D', 'FOREGROUND'],
    {
      // it does not write to a pipe that it has not opened itself
      log: join(folder, 'error.log'),
    },
  );
  await untilOpen(server, port);
  return port;
}
