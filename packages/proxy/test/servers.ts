import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { createForwarder, type ForwardChanges, type Forwarder, type ForwarderOptions } from '../src/index.js';

export interface Running {
  readonly url: string;
  readonly server: Server;
  /** Connections that are open now. */
  open(): number;
}

/** A server that ends with the test. */
export async function start(listener: RequestListener): Promise<Running> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    open: () => sockets.size,
  };
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  /** Names in lower case, values in the order in which they came. */
  readonly fields: Record<string, string[]>;
  readonly body: string;
}

function add(fields: Record<string, string[]>, name: string, value: string): void {
  fields[name] = [...(fields[name] ?? []), value];
}

/** An upstream that tells what it saw. */
export const startMirror = () =>
  start((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const fields: Record<string, string[]> = {};
      const { rawHeaders } = request;
      for (let index = 0; index < rawHeaders.length; index += 2)
        add(fields, (rawHeaders[index] as string).toLowerCase(), rawHeaders[index + 1] as string);
      const seen = {
        method: request.method,
        url: request.url,
        fields,
        body: Buffer.concat(chunks).toString(),
      };
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(seen));
    });
  });

export interface Proxy extends Running {
  readonly forward: Forwarder;
}

export async function startProxy(options: ForwarderOptions, changes: ForwardChanges = {}): Promise<Proxy> {
  const forward = createForwarder(options);
  const running = await start((request, response) => forward(request, response, changes));
  running.server.on('checkContinue', (request, response) => forward(request, response, changes));
  running.server.on('upgrade', (request, socket, head) => forward.upgrade(request, socket, head, changes));
  return { ...running, forward };
}
