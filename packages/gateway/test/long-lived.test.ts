import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { noContent } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { onEnd } from './lifetime.js';
import { exchange, format } from './raw.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

const authorization = 'Bearer token';

async function start(listener: Parameters<typeof startUpstream>[0], more: object = {}) {
  const upstream = await startUpstream(listener);
  const authorizationServer = await startAuthorizationServer();
  const { introspection } = authorizationServer;
  const routes = [{ path: '/', upstream: upstream.url, maxConnections: 1100 }];
  const gateway = await startGateway({ listen, admin, introspection, routes, ...more });
  return { gateway, upstream, ...authorizationServer };
}

describe.each([true, false])('1,000 event streams, with %s for fastLane', (fastLane) => {
  it('are open at once; each event comes at once, to all of them, and each ends with either side', async () => {
    const responses: ServerResponse[] = [];
    const { gateway, upstream } = await start(
      (_asked, response) => {
        responses.push(response.writeHead(200, { 'Content-Type': 'text/event-stream' }));
        response.flushHeaders();
      },
      { fastLane },
    );
    const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
    const streams: IncomingMessage[] = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const asked = get(gateway.url, { agent, headers: { authorization } });
        return (await once(asked, 'response'))[0];
      }),
    );
    expect(responses).toHaveLength(1000);
    for (const event of ['data: first\n\n', 'data: second\n\n']) {
      const received = streams.map((stream) => once(stream, 'data'));
      for (const response of responses) response.write(event);
      expect(new Set((await Promise.all(received)).map(String))).toEqual(new Set([event]));
    }
    const [leaving, staying] = [streams.slice(0, 500), streams.slice(500)];
    for (const stream of leaving) stream.on('error', () => {}).destroy();
    await expect.poll(() => responses.filter(({ destroyed }) => destroyed)).toHaveLength(500);
    const rest = staying.map((stream) => text(stream));
    for (const response of responses) response.end('data: last\n\n');
    expect(new Set(await Promise.all(rest))).toEqual(new Set(['data: last\n\n']));
    expect(upstream.requests).toHaveLength(1000);
  });
});

/** An upstream that changes to a protocol in which it sends back what it gets. */
async function startEcho(more: object = {}) {
  const play = await start(
    (_asked, response) => void response.writeHead(426, { 'X-Own': '1' }).end('upgrade'),
    more,
  );
  const asked: IncomingMessage[] = [];
  const sockets: Duplex[] = [];
  play.upstream.server.on('upgrade', (request, socket) => {
    asked.push(request);
    sockets.push(socket);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\n\r\n',
    );
    socket.on('error', () => {}).pipe(socket);
  });
  return { ...play, asked, sockets };
}

const handshake = (...fields: string[]) =>
  format('GET', '/chat', [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  ]);

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  onEnd(() => socket.destroy());
  return socket;
}

/** What comes, up to and with this. */
async function readUntil(socket: Socket, end: string): Promise<string> {
  let received = '';
  while (!received.endsWith(end)) received += String((await once(socket, 'data'))[0]);
  return received;
}

describe.each([true, false])('a WebSocket, with %s for fastLane', (fastLane) => {
  it('carries bytes both ways, those sent before the answer too, and the upstream sees the JWT', async () => {
    const { gateway, asked, jwt } = await startEcho({ fastLane });
    const socket = open(gateway.url);
    socket.write(`${handshake(`Authorization: ${authorization}`)}early`);
    const received = await readUntil(socket, 'early');
    expect(received).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(received.toLowerCase()).toMatch(/\r\nx-own: 1\r\n/);
    for (const message of ['first', 'second', 'x'.repeat(1_000_000)]) {
      const echo = readUntil(socket, message);
      socket.write(message);
      expect(await echo).toBe(message);
    }
    expect(asked.map(({ url, headers }) => [url, headers.authorization, headers.upgrade])).toEqual([
      ['/chat', `Bearer ${jwt}`, 'websocket'],
    ]);
  });

  it.each([
    ['no token', 401],
    ['a bad token', 401],
    ['a malformed token', 400],
  ])('is refused with %s, and no 101', async (title, status) => {
    const { gateway, asked, server } = await startEcho({ fastLane });
    server.answer(noContent());
    const sent =
      title === 'no token' ? [] : [`Authorization: Bearer ${title === 'a bad token' ? 'bad' : 'a b'}`];
    const connection = open(gateway.url);
    connection.write(handshake(...sent));
    const received = await text(connection);
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(received).toMatch(/\r\nWWW-Authenticate: Bearer realm="api"/i);
    expect(asked).toHaveLength(0);
  });

  it('ends with the client', async () => {
    const { gateway, sockets } = await startEcho({ fastLane });
    const socket = open(gateway.url);
    socket.write(`${handshake(`Authorization: ${authorization}`)}early`);
    await readUntil(socket, 'early');
    socket.destroy();
    await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  it('ends with the upstream', async () => {
    const { gateway, sockets } = await startEcho({ fastLane });
    const socket = open(gateway.url);
    socket.write(`${handshake(`Authorization: ${authorization}`)}early`);
    await readUntil(socket, 'early');
    sockets[0]?.destroy();
    await once(socket, 'close');
  });

  it('may stay silent for longer than any limit on requests', async () => {
    const limits = { headersTimeoutSeconds: 3, keepAliveSeconds: 3, idleTimeoutSeconds: 3 };
    const { gateway } = await startEcho({ fastLane, limits });
    const socket = open(gateway.url);
    socket.write(`${handshake(`Authorization: ${authorization}`)}early`);
    await readUntil(socket, 'early');
    // silent for as long as it takes to break another connection off that says nothing
    await once(open(gateway.url).resume(), 'close');
    const echo = readUntil(socket, 'late');
    socket.write('late');
    expect(await echo).toBe('late');
  });

  it('that the upstream does not want is answered as the upstream says', async () => {
    const { gateway, upstream } = await start(
      (_asked, response) => void response.writeHead(426, { 'X-Own': '1' }).end('upgrade'),
      { fastLane },
    );
    const answer = await exchange(gateway.url, handshake(`Authorization: ${authorization}`));
    expect([answer?.status, answer?.header('x-own'), answer?.body]).toEqual([426, '1', 'upgrade']);
    expect(upstream.requests).toHaveLength(1);
  });
});
