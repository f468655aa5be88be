import type { Server } from 'node:net';

/** How many the kernel keeps for a server at most, unless told otherwise; where it is more, they have come since. */
const most = 511;

/**
 * Resolves when a server has all connections that the kernel took for it: a close would break the others off, though
 * their clients may have sent a request already. They come one in each turn of the event loop.
 */
export async function emptyBacklog(server: Server): Promise<void> {
  let accepted = 0;
  const count = () => void accepted++;
  server.on('connection', count);
  for (let before = -1; before !== accepted && accepted < most; ) {
    before = accepted;
    await turn();
  }
  server.off('connection', count);
}

/** In between, the event loop has looked once at what has come. */
const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
