import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, start, untilOpen } from './processes.mjs';

const program = '/usr/sbin/nginx';
const modules = '/usr/lib/nginx/modules';

/** Runs nginx with one worker on what is given for its `http` block. */
export async function startNginx(name, core, port, http, { load = [] } = {}) {
  const folder = makeFolder(name);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${load.map((module) => `load_module ${modules}/${module}.so;\n`).join('')}
# the folder is ours alone, which the usual user could not enter
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_header_buffer_size 4k;
  ${temporary.map((kind) => `${kind}_temp_path ${kind};`).join('\n  ')}
  ${http}
}
`,
  );
  const server = start(name, core, program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr']);
  await untilOpen(server, port);
  return port;
}

/** An upstream to which as many connections are kept as the load opens. */
export const keptUpstream = (port) => `upstream kept {
    server 127.0.0.1:${port};
    keepalive 128;
    keepalive_requests 1000000000;
  }`;

/** Without these two lines nginx opens a connection for every request. */
export const proxyToKept = `proxy_pass http://kept;
      proxy_http_version 1.1;
      proxy_set_header Connection "";`;
