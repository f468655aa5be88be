import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openH2, startRaw } from './raw-servers.js';
import { startProxy } from './servers.js';

const size = 10_000_000;
const post = `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`;
const get = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const no = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const upstreams: readonly (readonly [what: string, status: number, reply: (socket: Socket) => void])[] = [
  ['answers before it has read the body', 403, (socket) => socket.write(no)],
  ['answers and reads nothing more', 403, (socket) => void socket.pause().write(no)],
  ['answers and closes the connection', 403, (socket) => void socket.end(no)],
  ['resets the connection', 502, (socket) => void socket.resetAndDestroy()],
];

const start = (reply: (socket: Socket) => void) =>
  startRaw((socket, head) => {
    if (head.startsWith('GET')) socket.write(ok);
    else if (head.startsWith('POST')) reply(socket);
  });

describe.each(upstreams)('an upstream that %s', (_what, status, reply) => {
  it('leaves the client to send the rest, and to ask again', async () => {
    const upstream = await start(reply);
    const proxy = await startProxy({ upstream });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    let received = '';
    client.on('error', () => {});
    client.on('data', (chunk) => {
      received += chunk;
    });
    client.write(post);
    const piece = Buffer.alloc(100_000);
    for (let sent = 0; sent < size; sent += piece.length)
      if (!client.write(piece)) await once(client, 'drain');
    client.write(get);
    await expect
      .poll(() => received.match(/HTTP\/1\.1 \d+/g))
      .toEqual([`HTTP/1.1 ${status}`, 'HTTP/1.1 200']);
    client.destroy();
  });

  it('is answered for in HTTP/2, and the rest of the stream not waited for', async () => {
    const ended: Promise<unknown>[] = [];
    const session = await openH2({ upstream: await start(reply) }, {}, (stream) => {
      ended.push(once(stream, 'close'));
    });
    for (let count = 0; count < 3; count++) {
      const stream = session.request({ ':method': 'POST', ':path': '/upload' });
      stream.on('error', () => {});
      stream.resume();
      for (let sent = 0; sent < size / 10 && stream.write(Buffer.alloc(100_000)); sent += 100_000);
      const [headers] = await once(stream, 'response');
      expect(headers[':status']).toBe(status);
      // the client has not said that its body ends
      await ended[count];
    }
    const next = session.request({ ':path': '/next' });
    const [headers] = await once(next, 'response');
    expect(headers[':status']).toBe(200);
  });
});
