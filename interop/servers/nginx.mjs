import { configText, startServer, versionOf } from './server-process.mjs';

// What a distribution's own nginx.conf says around conf.d, with every path inside the folder.
const around = (folder) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log            off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path       ${folder}/proxy;
  fastcgi_temp_path     ${folder}/fastcgi;
  uwsgi_temp_path       ${folder}/uwsgi;
  scgi_temp_path        ${folder}/scgi;
  include               ${folder}/phantom-token.conf;
}
`;

export const nginx = {
  name: 'nginx',
  asksGateway: true,
  version: () => versionOf('nginx', ['-v']),
  start: ({ gateway, api }) =>
    startServer('nginx', ({ port, folder }) => ({
      files: {
        'nginx.conf': around(folder),
        'phantom-token.conf': configText('nginx.conf', {
          '127.0.0.1:8080': `127.0.0.1:${port}`,
          '127.0.0.1:3000': gateway,
          '127.0.0.1:4000': api,
        }),
      },
      // -e: before it reads a configuration, nginx opens a log in a system path.
      args: ['-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
    })),
};
