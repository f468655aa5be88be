import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Where a cluster's nodes speak with each other, by Redis' own rule. */
export const busOffset = 10_000;

const firstPort = 11_000;
const blockSize = 100;
const blockCount = 100;

let block: Promise<number> | undefined;
let given = 0;

/**
 * A port on which nothing listens, nor on its bus port, and that no other process of the tests is given meanwhile. Below
 * those that the kernel gives to outgoing connections: a server that is restarted must find its port free.
 */
export async function freePort(): Promise<number> {
  block ??= takeBlock();
  const first = await block;
  for (;;) {
    const port = first + 1 + (given++ % (blockSize - 1));
    if ((await isFree(port)) && (await isFree(port + busOffset))) return port;
  }
}

/** Whoever listens on the first port of a block has the others to himself, for as long as he lives. */
async function takeBlock(): Promise<number> {
  for (;;) {
    const first = firstPort + blockSize * Math.floor(Math.random() * blockCount);
    const owner = await listenOn(first);
    if (owner === undefined) continue;
    owner.unref();
    return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Nothing where somebody else listens. */
async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
