import { configText, startServer, versionOf } from './server-process.mjs';

export const haproxy = {
  name: 'HAProxy',
  asksGateway: true,
  version: () => versionOf('haproxy', ['-v']),
  start: ({ gateway, api }) =>
    startServer('haproxy', ({ port, folder }) => ({
      files: {
        'haproxy.cfg': configText('haproxy.cfg', {
          '127.0.0.1:8080': `127.0.0.1:${port}`,
          '127.0.0.1:3000': gateway,
          '127.0.0.1:4000': api,
        }),
        'haproxy-auth.lua': configText('haproxy-auth.lua'),
      },
      // -db: in the foreground, whatever the configuration says.
      args: ['-db', '-f', `${folder}/haproxy.cfg`],
    })),
};
