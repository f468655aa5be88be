import { configText, startServer, versionOf } from './server-process.mjs';

// No control port. What Caddy keeps goes to the folders named below.
const around = '{\n\tadmin off\n\tauto_https off\n}\n';

export const caddy = {
  name: 'Caddy',
  asksGateway: true,
  version: () => `Caddy ${versionOf('caddy', ['version'])}`,
  start: ({ gateway, api }) =>
    startServer('caddy', ({ port, folder }) => ({
      files: {
        Caddyfile:
          around +
          configText('Caddyfile', {
            '127.0.0.1:8080': `127.0.0.1:${port}`,
            '127.0.0.1:3000': gateway,
            '127.0.0.1:4000': api,
          }),
      },
      args: ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'],
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    })),
};
