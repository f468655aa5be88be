import type { AddressInfo, Server } from 'node:net';

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

interface ConnectionServer extends Server {
  keepAliveTimeout?: number;
  closeAllConnections?(): void;
}

/** Listens on a free loopback port. Closing drops what connections there are. */
export async function listen(server: ConnectionServer): Promise<Listening> {
  // only clients end connections, so that none ends as its next request comes
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections?.();
      }),
  };
}
