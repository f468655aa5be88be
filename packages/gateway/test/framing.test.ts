import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doubtful } from './doubtful-requests.js';
import { type RunningGateway, startGateway } from './gateway.js';
import { type Answer, exchange, format, openConnection } from './raw.js';
import {
  type AuthorizationServer,
  listen,
  startAuthorizationServer,
  startUpstream,
  type Upstream,
} from './stage.js';

let upstream: Upstream;
let server: AuthorizationServer;
let gateway: RunningGateway;

const ordinary = ['Authorization: Bearer ordinary'];
const get = format('GET', '/api/ordinary', ordinary);
const post = format('POST', '/api/ordinary', [...ordinary, 'Content-Length: 5'], 'hello');

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startAuthorizationServer();
  gateway = await startGateway({
    listen,
    introspection: server.introspection,
    cache: { noExpiryTtlSeconds: 300 },
    routes: [{ path: '/api', upstream: upstream.url }],
  });
});

let callsBefore = 0;
beforeEach(() => {
  upstream.requests.length = 0;
  callsBefore = server.server.calls.length;
});

/** What of the attacks has gone further than the gateway. */
const leaked = () => ({
  upstream: upstream.requests.map(({ url }) => url).filter((url) => url !== '/api/ordinary'),
  introspected: server.server.calls
    .slice(callsBefore)
    .map(({ form }) => form.get('token'))
    .filter((it) => it !== 'ordinary'),
});
const nothing = { upstream: [], introspected: [] };

/** Where on a connection the attack comes. */
const positions: readonly (readonly [position: string, before: string | undefined])[] = [
  ['first', undefined],
  ['after a GET', get],
  ['after a POST', post],
];

describe.each(positions)('a request %s on its connection', (_position, before) => {
  it.each(doubtful)('is refused with %s', async (_what, bytes) => {
    const connection = openConnection(gateway.url);
    if (before !== undefined) {
      connection.send(before);
      expect((await connection.answer())?.status).toBe(200);
    }
    connection.send(bytes);
    expectRefusal(await connection.answer(), 400);
    expect(await connection.answer()).toBeUndefined();
    await connection.closed;
    expect(leaked()).toEqual(nothing);
  });
});

function expectRefusal(answer: Answer | undefined, status: number): void {
  expect(answer?.status).toBe(status);
  expect(answer?.header('Connection')).toBe('close');
  expect(answer?.header('Cache-Control')).toBe('no-store');
  expect(answer?.body).not.toMatch(/attack|smuggled|Odd/);
}

describe('a request in the same write as the one before', () => {
  it.each(doubtful)('goes no further with %s', async (_what, bytes) => {
    const connection = openConnection(gateway.url);
    connection.send(get + bytes);
    await connection.closed;
    expect(leaked()).toEqual(nothing);
  });
});

describe('a request in many pieces', () => {
  const heads = doubtful.filter(([, bytes]) => !/Transfer-Encoding: chunked\r\n\r\n/.test(bytes));
  it.each(heads)('is refused with %s', async (_what, bytes) => {
    const connection = openConnection(gateway.url);
    for (const piece of bytes.match(/.{1,7}/gs) ?? []) connection.send(piece);
    expectRefusal(await connection.answer(), 400);
    await connection.closed;
    expect(leaked()).toEqual(nothing);
  });
});

describe('what follows a request on its connection', () => {
  it('is a request of its own', async () => {
    const connection = openConnection(gateway.url);
    connection.send(get + post + get);
    for (let count = 0; count < 3; count++) expect((await connection.answer())?.status).toBe(200);
    connection.destroy();
  });

  it.each([
    ['a length', `Content-Length: ${get.length}`, get],
    ['chunks', 'Transfer-Encoding: chunked', `${get.length.toString(16)}\r\n${get}\r\n0\r\n\r\n`],
  ])('is its body where it states %s, whatever the body says', async (_what, field, body) => {
    const connection = openConnection(gateway.url);
    connection.send(format('GET', '/api/ordinary', [...ordinary, field], body));
    expect((await connection.answer())?.status).toBe(200);
    connection.send(get);
    expect((await connection.answer())?.status).toBe(200);
    expect(upstream.requests.length).toBe(2);
    connection.destroy();
  });

  it.each([
    [
      'asked for the end of the connection',
      format('GET', '/api/ordinary', [...ordinary, 'Connection: close']),
      200,
    ],
    ['spoke HTTP/1.0', get.replace('HTTP/1.1', 'HTTP/1.0'), 200],
    [
      'asked for another protocol',
      format('GET', '/api/ordinary', [...ordinary, 'Connection: upgrade', 'Upgrade: h2c']),
      501,
    ],
    ['was CONNECT', format('CONNECT', 'upstream.example:443', ordinary), 405],
  ])('is not looked at when it %s', async (_what, bytes, status) => {
    const connection = openConnection(gateway.url);
    connection.send(bytes + get.replace('/ordinary', '/smuggled'));
    expect((await connection.answer())?.status).toBe(status);
    expect(await connection.answer()).toBeUndefined();
    await connection.closed;
    expect(leaked()).toEqual(nothing);
  });
});

describe('the target', () => {
  it.each([
    ['of another host', 'http://other.example/api/attack', 400],
    ["with the host's name in front of another", 'http://gateway.example.other.example/api/attack', 400],
    ['with credentials', 'http://user@gateway.example/api/attack', 400],
    ['of another scheme', 'ftp://gateway.example/api/attack', 400],
    ['without a host', 'http:///api/attack', 400],
    ['that is an asterisk', '*', 400],
    ['that is a host and port', 'gateway.example:80', 400],
    ['without a slash', 'api/attack', 400],
  ])('is refused %s', async (_what, target, status) => {
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const answer = await exchange(gateway.url, format(method, target, ['Authorization: Bearer attacker']));
      expect(answer?.status).toBe(status);
    }
    expect(leaked()).toEqual(nothing);
  });

  it.each(['http://gateway.example/api/ordinary', 'HTTP://GATEWAY.example/api/ordinary'])(
    'may be absolute and of the same host: %s',
    async (target) => {
      const answer = await exchange(gateway.url, format('GET', target, ordinary));
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({ url: '/api/ordinary' });
    },
  );
});

describe('the method', () => {
  it.each(['TRACE', 'CONNECT', 'FROB', 'get'])('is refused when it is %s', async (method) => {
    const target = method === 'CONNECT' ? 'gateway.example:443' : '/api/attack';
    for (const fields of [['Authorization: Bearer attacker'], ['Connection: close']]) {
      const answer = await exchange(gateway.url, format(method, target, fields));
      expect(answer?.status).toBe(405);
      expect(answer?.header('Allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
      expect(answer?.body).not.toContain('attacker');
    }
    expect(leaked()).toEqual(nothing);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('is passed on when it is %s', async (method) => {
    const answer = await exchange(gateway.url, format(method, '/api/ordinary', ordinary));
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ method, url: '/api/ordinary' });
  });
});

describe('a head that is too large', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`);
  const long = (size: number) => [`X-Long: ${'x'.repeat(size)}`];
  it.each([
    ['with 2,000 fields', '/api/attack', many(2000)],
    ['with a field more than are allowed', '/api/attack', many(99)],
    ['with a field beyond the limit', '/api/attack', long(17_000)],
    ['with a field far beyond the limit', '/api/attack', long(200_000)],
    [
      'with fields that are too large together',
      '/api/attack',
      many(90).map((line) => line + 'x'.repeat(200)),
    ],
    ['with a target beyond the limit', `/api/attack?${'x'.repeat(17_000)}`, []],
  ])('is refused %s', async (_what, target, fields) => {
    for (const [, before] of positions) {
      const connection = openConnection(gateway.url);
      if (before !== undefined) {
        connection.send(before);
        expect((await connection.answer())?.status).toBe(200);
      }
      connection.send(format('GET', target, ['Authorization: Bearer attacker', ...fields]));
      expectRefusal(await connection.answer(), 431);
      connection.destroy();
    }
    expect(leaked()).toEqual(nothing);
  });

  it.each([
    ['as many fields as are allowed', many(98)],
    ['a field below the limit', long(15_000)],
  ])('is one thing, but %s are fine', async (_what, fields) => {
    for (const method of ['GET', 'POST']) {
      const answer = await exchange(gateway.url, format(method, '/api/ordinary', [...ordinary, ...fields]));
      expect(answer?.status).toBe(200);
    }
  });
});
