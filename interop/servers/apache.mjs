import { existsSync } from 'node:fs';
import { configText, startServer, versionOf } from './server-process.mjs';

const modulesFolder = '/usr/lib/apache2/modules';
const modules = ['mpm_event', 'authz_core', 'headers', 'proxy', 'proxy_http'];

// What Debian's apache2.conf says around a site, with every path inside the folder.
const around = (folder) => `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
ServerName 127.0.0.1
${modules.map((name) => `LoadModule ${name}_module ${modulesFolder}/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
Include ${folder}/phantom-token.conf
`;

export const apache = {
  name: 'Apache',
  // It does not ask: its requests go through the gateway to the API.
  asksGateway: false,
  version: () => versionOf('apache2', ['-v']),
  start: ({ gateway }) => {
    if (!existsSync(modulesFolder))
      throw new Error(`no ${modulesFolder}: this test runs on Debian's apache2`);
    return startServer('apache2', ({ port, folder }) => ({
      files: {
        'apache.conf': around(folder),
        'phantom-token.conf': configText('apache.conf', {
          '127.0.0.1:8080': `127.0.0.1:${port}`,
          '127.0.0.1:3000': gateway,
        }),
      },
      args: ['-D', 'FOREGROUND', '-f', `${folder}/apache.conf`],
    }));
  },
};
