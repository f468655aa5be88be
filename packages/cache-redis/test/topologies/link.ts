import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostAndPort, onLoopback } from './address.js';
import { freePort } from './free-port.js';
import type { Owned } from './owned.js';

/** How bad the way is. What is left out is as good as loopback. */
export interface LinkQuality {
  /** Added to everything that passes, in each direction. */
  readonly latencySeconds?: number;
  /** In each direction of each connection. */
  readonly bytesPerSecond?: number;
}

/** A TCP way to a server that can be made slow, broken off and silent. */
export interface Link extends Owned, HostAndPort {
  /** From now on, also for what is on its way. `{}` heals it. */
  become(quality: LinkQuality): void;
  /** Nothing passes while it is silent, and connections stay open. */
  silence(isSilent: boolean): void;
  /** From now on new connections lead to this port; those that are there stay. */
  leadTo(port: number): void;
  /** Breaks every connection off (TCP RST); new ones are taken. */
  breakOff(): void;
  /** From now on every command is answered with these bytes, and the server gets nothing. `undefined` ends that. */
  answer(bytes: string | Uint8Array | undefined): void;
  /** How many connections clients made so far. */
  readonly connections: number;
}

const sliceBytes = 256;

// the real one, also where a test has put another in its place
const now = performance.now.bind(performance);

/** How many begin in it; several may come at once. */
const commandsIn = (chunk: Buffer) => chunk.toString('latin1').match(/^\*\d+\r$/gm)?.length ?? 0;

/** Opens a way on loopback that leads to this port. */
export async function openLink(target: number): Promise<Link> {
  let destination = target;
  let quality: LinkQuality = {};
  let isSilent = false;
  let scripted: string | Uint8Array | undefined;
  let connections = 0;
  const sockets = new Set<Socket>();

  // looks again and again, since the quality may change while something waits
  async function pass(chunk: Buffer, to: Socket, arrivedAt: number): Promise<void> {
    const elapsed = () => (now() - arrivedAt) / 1000;
    while (!to.destroyed && (isSilent || elapsed() < (quality.latencySeconds ?? 0))) await sleep(5);
    for (let at = 0; at < chunk.length && !to.destroyed; ) {
      const { bytesPerSecond } = quality;
      const slice = bytesPerSecond === undefined ? chunk.subarray(at) : chunk.subarray(at, at + sliceBytes);
      if (bytesPerSecond !== undefined) await sleep((slice.length / bytesPerSecond) * 1000);
      to.write(slice);
      at += slice.length;
    }
  }

  function pump(from: Socket, to: Socket, isClient: boolean): void {
    let passed = Promise.resolve();
    from.on('data', (chunk) => {
      if (isClient && scripted !== undefined) {
        for (let count = commandsIn(chunk); count > 0; count--) from.write(scripted);
        return;
      }
      const arrivedAt = now();
      passed = passed.then(() => pass(chunk, to, arrivedAt));
    });
    // an end overtakes nothing
    from.on('close', () => void passed.then(() => to.destroy()));
    // a peer that breaks the connection off is part of the play
    from.on('error', () => {});
  }

  const listener = createServer((client) => {
    connections++;
    const server = connectTo({ host: '127.0.0.1', port: destination, noDelay: true });
    client.setNoDelay();
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    pump(client, server, true);
    pump(server, client, false);
  });
  const port = await freePort();
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const breakOff = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    ...onLoopback(port),
    become: (next) => {
      quality = next;
    },
    silence: (next) => {
      isSilent = next;
    },
    leadTo: (next) => {
      destination = next;
    },
    breakOff,
    answer: (bytes) => {
      scripted = bytes;
    },
    get connections() {
      return connections;
    },
    async end() {
      const closed = new Promise((resolve) => listener.close(resolve));
      breakOff();
      await closed;
    },
  };
}
