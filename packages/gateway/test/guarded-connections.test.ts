import type { ServerResponse } from 'node:http';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doubtful } from './doubtful-requests.js';
import { type RunningGateway, startGateway } from './gateway.js';
import { format, openConnection } from './raw.js';
import { listen, startAuthorizationServer, startUpstream, type Upstream } from './stage.js';

let upstream: Upstream;
let gateway: RunningGateway;
/** The answers that wait for a test to give them. */
const waiting: ServerResponse[] = [];

beforeAll(async () => {
  upstream = await startUpstream((request, response) => {
    request.resume();
    if (request.url === '/api/waiting') waiting.push(response);
    else response.end('ok');
  });
  const { introspection } = await startAuthorizationServer();
  const routes = [{ path: '/api', upstream: upstream.url }];
  gateway = await startGateway({ listen, introspection, cache: { noExpiryTtlSeconds: 300 }, routes });
});

beforeEach(() => {
  upstream.requests.length = 0;
  waiting.length = 0;
});

const token = 'Authorization: Bearer opaque';
const reached = () =>
  upstream.requests.map(({ url }) => url).filter((url) => !/ordinary|waiting/.test(`${url}`));

describe.each([
  ['an empty Upgrade', format('POST', '/api/ordinary', [token, 'Connection: upgrade', 'Upgrade:'])],
  [
    'an upgrade behind a space that is none in ASCII',
    format('GET', '/api/ordinary', [token, 'Connection: \xa0upgrade', 'Upgrade: websocket']),
  ],
  [
    'an upgrade among the options behind such a space',
    format('GET', '/api/ordinary', [token, 'Connection: keep-alive,\xa0upgrade', 'Upgrade: websocket']),
  ],
  [
    'a close before a tab',
    format('POST', '/api/ordinary', [token, 'Connection: close\t', 'Content-Length: 0']),
  ],
  [
    'a close behind such a space',
    format('POST', '/api/ordinary', [token, 'Connection: \xa0close', 'Content-Length: 0']),
  ],
])('after %s', (_opener, before) => {
  it.each(doubtful)('a request is still refused with %s', async (_what, bytes) => {
    const connection = openConnection(gateway.url);
    connection.send(before);
    expect((await connection.answer())?.status).toBe(200);
    connection.send(bytes);
    expect((await connection.answer())?.status).toBe(400);
    await connection.closed;
    expect(reached()).toEqual([]);
  });
});

describe('a head that comes piece by piece', () => {
  it('is refused beyond twice the limit, though colons and line ends do not count for the parser', async () => {
    const connection = openConnection(gateway.url);
    connection.send(`GET /api/attack HTTP/1.1\r\nHost: x\r\n${token}\r\n`);
    const piece = 'a:\r\n'.repeat(500);
    for (let sent = 0; sent < 17 && connection.isOpen; sent++) connection.send(piece);
    connection.send('\r\n');
    expect((await connection.answer())?.status).toBe(431);
    await connection.closed;
    expect(reached()).toEqual([]);
  });
});

const nonsense: readonly (readonly [what: string, bytes: string])[] = [
  ['two hosts', format('GET', '/api/attack', ['Host: a.example', 'Host: b.example', token])],
  ['a control character', format('GET', '/api/attack', [token, 'X-Odd: a\x01b'])],
  ['an unknown method', format('FROB', '/api/attack', [token])],
  ['no request at all', 'BOGUS \x01\r\n\r\n'],
];

describe.each(nonsense)('while an answer is under way, %s', (_what, bytes) => {
  const ask = async () => {
    const connection = openConnection(gateway.url);
    connection.send(format('POST', '/api/waiting', [token, 'Content-Length: 0']));
    await expect.poll(() => waiting).toHaveLength(1);
    return { connection, response: waiting[0] as ServerResponse };
  };

  it('makes nothing else of one that has begun', async () => {
    const { connection, response } = await ask();
    const answer = connection.answer();
    response.writeHead(200, { 'Content-Length': 200 }).write('x'.repeat(60));
    connection.send(bytes);
    connection.send(format('GET', '/api/attack', [token]));
    // another connection's answer comes after the gateway has read those
    await openAndAsk();
    response.end('x'.repeat(140));
    expect(await answer).toMatchObject({ status: 200, body: 'x'.repeat(200), isCut: false });
    await connection.closed;
    expect(reached()).toEqual([]);
  });

  it('is not what one is given that has not', async () => {
    const { connection, response } = await ask();
    connection.send(bytes);
    connection.send(format('GET', '/api/attack', [token]));
    await openAndAsk();
    response.end('mine');
    expect(await connection.answer()).toMatchObject({ status: 200, body: 'mine' });
    expect(await connection.answer()).toBeUndefined();
    await connection.closed;
    expect(reached()).toEqual([]);
  });
});

async function openAndAsk(): Promise<void> {
  const other = openConnection(gateway.url);
  other.send(format('POST', '/api/ordinary', [token, 'Content-Length: 0']));
  expect((await other.answer())?.status).toBe(200);
  other.destroy();
}

describe('nonsense in a body', () => {
  const upload = format('POST', '/api/waiting', [token, 'Transfer-Encoding: chunked'], '2\r\nhi\r\n');

  it('is 400 where no answer has begun', async () => {
    const connection = openConnection(gateway.url);
    connection.send(upload);
    await expect.poll(() => waiting).toHaveLength(1);
    connection.send('xyz\r\n');
    expect((await connection.answer())?.status).toBe(400);
    await connection.closed;
  });

  it('breaks off an answer that has', async () => {
    const connection = openConnection(gateway.url);
    connection.send(upload);
    await expect.poll(() => waiting).toHaveLength(1);
    waiting[0]?.writeHead(200, { 'Content-Length': 10 }).write('half');
    const answer = connection.answer();
    await openAndAsk();
    connection.send('xyz\r\n');
    expect(await answer).toMatchObject({ status: 200, isCut: true });
    await connection.closed;
  });
});

describe('what comes behind the last request of a connection', () => {
  it.each<readonly [what: string, bytes: string]>([
    ['another request', format('GET', '/api/attack', [token])],
    ...nonsense,
    ['a line end', '\r\n'],
  ])('leaves its answer as it is: %s', async (_what, bytes) => {
    for (const last of [
      format('GET', '/api/ordinary', [token, 'Connection: close']),
      format('POST', '/api/ordinary', [token, 'connection: Close', 'Content-Length: 5'], 'hello'),
      format('GET', '/api/ordinary', [token]).replace('HTTP/1.1', 'HTTP/1.0'),
    ]) {
      const connection = openConnection(gateway.url);
      connection.send(last + bytes);
      expect(await connection.answer()).toMatchObject({ status: 200, body: 'ok' });
      await connection.closed;
    }
    expect(reached()).toEqual([]);
  });
});
