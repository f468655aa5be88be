import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, get as request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UpstreamPool } from '../src/fast-upstream.js';
import { startGateway } from './gateway.js';
import { type Answer, exchange, format, openConnection } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

async function start(listener: Parameters<typeof startUpstream>[0], more: object = {}) {
  const upstream = await startUpstream(listener);
  const { introspection } = await startAuthorizationServer();
  const { maxConnections, ...rest } = more as { maxConnections?: number };
  const route = { path: '/', upstream: upstream.url, ...(maxConnections ? { maxConnections } : {}) };
  const gateway = await startGateway({ listen, introspection, routes: [route], ...rest });
  return { upstream, gateway };
}

const get = format('GET', '/', ['Authorization: Bearer good']);

describe('the fast lane', () => {
  it.each([
    ['a length', { 'Content-Length': '2' }],
    ['chunks', {}],
  ])('passes a head on before its body comes, with %s', async (_title, fields) => {
    let finish = () => {};
    const { gateway } = await start((_request, response) => {
      response.writeHead(200, { 'X-Head': 'here', ...fields }).flushHeaders();
      finish = () => void response.end('ok');
    });
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(get);
    const [head] = await once(socket, 'data');
    expect(String(head)).toContain('X-Head: here');
    finish();
    const [body] = await once(socket, 'data');
    expect(String(body)).toContain('ok');
    socket.destroy();
  });

  it('answers a client that has said all it will, and closes', async () => {
    const { gateway } = await start(undefined);
    expect((await exchange(gateway.url, get))?.status).toBe(200);
    let answer: Answer | undefined;
    // it is soon taken for one that has left, and sooner on a machine that stands still: one of some is answered
    for (let attempt = 0; attempt < 20 && answer === undefined; attempt++) {
      const connection = openConnection(gateway.url);
      connection.send(get);
      connection.end();
      answer = await connection.answer();
      await connection.closed;
    }
    expect(answer).toMatchObject({ status: 200, isCut: false });
  });

  it('answers a request that came before the answer to the one before', async () => {
    const { gateway, upstream } = await start(undefined);
    const connection = openConnection(gateway.url);
    connection.send(get);
    connection.send(get + format('POST', '/two', ['Authorization: Bearer good', 'Content-Length: 3'], 'abc'));
    const answers = [await connection.answer(), await connection.answer(), await connection.answer()];
    expect(answers.map((it) => it?.status)).toEqual([200, 200, 200]);
    expect(upstream.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /',
      'GET /',
      'POST /two',
    ]);
    connection.destroy();
  });

  it('lets a request wait for a connection where there may be no more', async () => {
    const waiting: (() => void)[] = [];
    const { upstream, gateway } = await start(
      (_request, response) => {
        waiting.push(() => void response.end('ok'));
        if (waiting.length === 2) for (const answer of waiting.splice(0)) answer();
      },
      { maxConnections: 2 },
    );
    const connections = Array.from({ length: 6 }, () => openConnection(gateway.url));
    for (const connection of connections) connection.send(get);
    const answers = await Promise.all(connections.map((it) => it.answer()));
    expect(answers.map((it) => it?.status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(upstream.sockets.size).toBe(2);
    for (const connection of connections) connection.destroy();
  });

  it('asks again on another connection when the upstream closed the kept one', async () => {
    const { upstream, gateway } = await start(undefined);
    const connection = openConnection(gateway.url);
    connection.send(get);
    expect((await connection.answer())?.status).toBe(200);
    // its next request finds the connection closed
    for (const socket of upstream.sockets) socket.pause().resetAndDestroy();
    connection.send(get);
    expect((await connection.answer())?.status).toBe(200);
    connection.destroy();
  });
});

describe('the connections of the fast lane', () => {
  it.each([
    ['with a length', true],
    ['in chunks', false],
  ])(
    'mix up nothing of answers that come together %s, to clients that do not keep up',
    async (_how, hasLength) => {
      const bodies = new Map(Array.from({ length: 8 }, (_, id) => [`/${id}`, randomBytes(12_000_000)]));
      const { gateway, upstream } = await start((asked, response) => {
        const body = bodies.get(asked.url ?? '') as Buffer;
        if (hasLength) response.setHeader('Content-Length', body.length);
        // pieces of every size, below and above what is passed on as text
        for (let at = 0, size = 1; at < body.length; at += size, size = Math.min(size * 3, 400_000))
          response.write(body.subarray(at, at + size));
        response.end();
      });
      const ask = async (path: string) => {
        const headers = { Authorization: 'Bearer good' };
        // what says that its connection is to end takes the other lane
        const agent = new Agent({ keepAlive: true });
        const [answer] = await once(request(`${gateway.url}${path}`, { headers, agent }), 'response');
        onTestFinished(() => agent.destroy());
        return answer as IncomingMessage;
      };
      const answers = await Promise.all([...bodies.keys()].map(ask));
      // until all that lies between is full
      const flown = () =>
        [...upstream.sockets].reduce((sum, it) => sum + it.bytesWritten - it.writableLength, 0);
      let before = -1;
      const isStill = () => {
        const [now, last] = [flown(), before];
        before = now;
        return now === last;
      };
      await expect.poll(isStill, { interval: 300 }).toBe(true);
      const received = await Promise.all(
        answers.map(async (answer) => Buffer.concat(await answer.toArray())),
      );
      expect(received.map((body, id) => body.equals(bodies.get(`/${id}`) as Buffer))).toEqual(
        received.map(() => true),
      );
    },
  );

  it('mix up nothing of heads that come in pieces', async () => {
    const pieces = new Map<string, (rest: string) => void>();
    const { gateway, upstream } = await start((asked) => {
      const { socket } = asked;
      socket.write(`HTTP/1.1 200 OK\r\nX-Path: ${asked.url}\r\nX-Rest: `, 'latin1');
      pieces.set(asked.url ?? '', (rest) => socket.write(rest, 'latin1'));
    });
    const paths = ['/a', '/b', '/c'];
    const connections = paths.map((path) => {
      const connection = openConnection(gateway.url);
      connection.send(format('GET', path, ['Authorization: Bearer good']));
      return connection;
    });
    await expect.poll(() => upstream.requests.length).toBe(3);
    await expect.poll(() => pieces.size).toBe(3);
    for (const path of paths) pieces.get(path)?.(`of ${path}\r\nContent-Le`);
    for (const path of paths.toReversed()) pieces.get(path)?.(`ngth: 4\r\n\r\n${path}`);
    for (const path of paths) pieces.get(path)?.('!!');
    for (const [index, path] of paths.entries()) {
      const answer = await connections[index]?.answer();
      const seen = [answer?.header('x-path'), answer?.header('x-rest'), answer?.body];
      expect(seen).toEqual([path, `of ${path}`, `${path}!!`]);
      connections[index]?.destroy();
    }
  });

  it('are read again for the next request, even if the end of an answer had to wait', async () => {
    const upstream = await startUpstream();
    const { hostname, port } = new URL(upstream.url);
    const limits = { maxConnections: 1, connectTimeoutSeconds: 5, timeoutSeconds: 5, idleTimeoutSeconds: 5 };
    const pool = new UpstreamPool({ host: hostname, port: Number(port), ...limits });
    for (let round = 0; round < 3; round++) {
      const outcome = await new Promise<string>((resolve) => {
        const sent = pool.send('GET / HTTP/1.1\r\nhost: upstream\r\n\r\n', {
          onHead: () => {},
          // the client does not keep up
          onBody: () => sent.pause(),
          onPause: () => {},
          onEnd: () => resolve('answered'),
          onFailure: resolve,
        });
      });
      expect(outcome).toBe('answered');
    }
    expect(upstream.sockets.size).toBe(1);
    pool.close();
  });
});
