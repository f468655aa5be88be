import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect as connectH2,
  createServer as createH2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { createForwarder, type ForwardChanges, type ForwarderOptions } from '../src/index.js';

/** An upstream that does this once a head has come, with all that has come by then. */
export async function startRaw(onHead: (socket: Socket, head: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let head = '';
    let isBody = false;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      // a body is not to be searched
      if (isBody) return;
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      isBody = /content-length: [1-9]/i.test(head);
      onHead(socket, head);
      head = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A session with a forwarder behind a server for HTTP/2. */
export async function openH2(
  options: ForwarderOptions,
  changes: ForwardChanges = {},
  onStream: (stream: ServerHttp2Stream) => void = () => {},
): Promise<ClientHttp2Session> {
  const forward = createForwarder(options);
  const server = createH2Server((request, response) => forward(request as never, response as never, changes));
  server.on('stream', onStream);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connectH2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on('error', () => {});
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  return session;
}
