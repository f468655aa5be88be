import { fileURLToPath } from 'node:url';
import { pem } from '../../../core/test/certificates.js';
import type { Address } from './address.js';
import { type ServerProcess, startServerProcess } from './server-process.js';

export interface StandaloneOptions {
  readonly port?: number;
  /** Of the `default` user. */
  readonly password?: string;
  /** Lines as in an ACL file: `app on >secret ~pt:* +@all`. */
  readonly users?: readonly string[];
  /** Whether it speaks TLS only, with the certificates of core's tests, and whether it wants one of its clients. */
  readonly tls?: 'server' | 'mutual';
  readonly maxMemory?: string;
  readonly maxMemoryPolicy?: string;
  /** Further lines of its configuration. */
  readonly config?: readonly string[];
  readonly ready?: RegExp;
}

export interface Standalone extends ServerProcess {
  readonly address: Address;
}

const certificate = (name: string) =>
  fileURLToPath(new URL(`../../../core/test/tls/${name}`, import.meta.url));

/** What every server of the tests has: loopback alone, nothing on disk, replicas in step at once. */
export const commonConfig = (port: number): readonly string[] => [
  `port ${port}`,
  'bind 127.0.0.1',
  'save ""',
  'appendonly no',
  'repl-diskless-sync yes',
  'repl-diskless-sync-delay 0',
];

const tlsConfig = (port: number, clients: 'server' | 'mutual'): readonly string[] => [
  'port 0',
  `tls-port ${port}`,
  `tls-cert-file ${certificate('server.pem')}`,
  `tls-key-file ${certificate('server.key')}`,
  `tls-ca-cert-file ${certificate('ca.pem')}`,
  `tls-auth-clients ${clients === 'mutual' ? 'yes' : 'no'}`,
];

/** One Redis server. */
export async function startStandalone(options: StandaloneOptions = {}): Promise<Standalone> {
  const { port, password, users = [], tls, maxMemory, maxMemoryPolicy, config = [], ready } = options;
  const server = await startServerProcess({
    ...(port === undefined ? {} : { port }),
    ...(ready === undefined ? {} : { ready }),
    config: (chosen) => [
      ...commonConfig(chosen),
      ...(tls === undefined ? [] : tlsConfig(chosen, tls)),
      ...(password === undefined ? [] : [`requirepass ${password}`]),
      ...users.map((user) => `user ${user}`),
      ...(maxMemory === undefined ? [] : [`maxmemory ${maxMemory}`]),
      ...(maxMemoryPolicy === undefined ? [] : [`maxmemory-policy ${maxMemoryPolicy}`]),
      ...config,
    ],
  });
  const scheme = tls === undefined ? 'redis' : 'rediss';
  return {
    ...server,
    address: {
      url: `${scheme}://127.0.0.1:${server.port}`,
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls: { ca: pem('ca.pem') } }),
    },
  };
}
