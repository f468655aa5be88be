import { once } from 'node:events';
import { createServer } from 'node:net';

/** Where a cluster's nodes speak with each other, by Redis' own rule. */
export const busOffset = 10_000;

/**
 * A port on which nothing listens, nor on its bus port. Below those that the kernel gives to outgoing connections: a server
 * that is restarted must find its port free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 11_000);
    if ((await isFree(port)) && (await isFree(port + busOffset))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}
