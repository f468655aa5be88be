import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startGateway, startGatewayProcess } from './gateway.js';
import { onEnd } from './lifetime.js';
import { exchange, format, openConnection } from './raw.js';
import { admin, listen, startAuthorizationServer } from './stage.js';

const get = (path: string) => format('GET', path, ['Authorization: Bearer opaque']);
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const lanes = [
  { lane: 'the fast lane', fastLane: true },
  { lane: 'the general lane', fastLane: false },
];

interface Options {
  readonly route?: object;
  readonly fastLane?: boolean;
}

/** `count`: which request it is on its connection. */
type OnRequest = (socket: Socket, target: string, count: number) => void;

/** A gateway in front of an upstream that does this with each request. */
const start = (onRequest: OnRequest, options: Options = {}) => startWith(startGateway, onRequest, options);

async function startWith<G>(
  run: (config: object) => Promise<G>,
  onRequest: OnRequest,
  options: Options = {},
) {
  const sockets = new Set<Socket>();
  let most = 0;
  const server = createServer((socket) => {
    let count = 0;
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk) => onRequest(socket, String(chunk).split(' ')[1] ?? '', ++count));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { introspection } = await startAuthorizationServer();
  const routes = [{ path: '/', upstream, ...options.route }];
  const { fastLane = true } = options;
  const cache = { noExpiryTtlSeconds: 300 };
  const gateway = await run({ listen, admin, introspection, cache, routes, fastLane });
  return { gateway, mostAtOnce: () => most };
}

describe('connections to an upstream', () => {
  it('are no more than they may be, though the upstream closes them under requests', async () => {
    const { gateway, mostAtOnce } = await start(
      (socket, _target, count) => {
        if (count > 1) socket.resetAndDestroy();
        else socket.write(ok);
      },
      { route: { maxConnections: 2 } },
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(gateway.url, get('/'))));
    expect(answers.map((answer) => answer?.status)).toEqual(answers.map(() => 200));
    expect(mostAtOnce()).toBeLessThanOrEqual(2);
  });
});

describe.each(lanes)('in $lane', ({ fastLane }) => {
  it('a request does not wait for a connection for ever', async () => {
    const { gateway } = await start(
      (socket, target) => {
        // one whose body never ends
        if (target === '/stream') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
        else socket.write(ok);
      },
      { route: { maxConnections: 1, timeoutSeconds: 0.5 }, fastLane },
    );
    const streaming = openConnection(gateway.url);
    streaming.send(get('/stream'));
    await expect
      .poll(() => gateway.metrics())
      .toMatch(/^phantom_token_requests_total\{route="\/",status="200"\} 1$/m);
    expect((await exchange(gateway.url, get('/waits')))?.status).toBe(504);
    streaming.destroy();
    await expect.poll(async () => (await exchange(gateway.url, get('/')))?.status).toBe(200);
  });

  it('a head that drips is 504', async () => {
    const { gateway } = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
        const timer = setInterval(() => socket.write('x'), 50);
        socket.once('close', () => clearInterval(timer));
      },
      { route: { timeoutSeconds: 0.5 }, fastLane },
    );
    expect((await exchange(gateway.url, get('/')))?.status).toBe(504);
  });

  it('an upstream that breaks off its answer is logged and counted', async () => {
    const { gateway } = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
        setTimeout(() => socket.destroy(), 100);
      },
      { fastLane },
    );
    expect(await exchange(gateway.url, get('/'))).toMatchObject({ isCut: true });
    expect(await gateway.logged('the upstream broke off its answer')).toMatchObject({ route: '/' });
    expect(await gateway.metrics()).toMatch(/^phantom_token_upstream_errors_total\{code="[A-Z_]+"\} 1$/m);
  });
});

describe('a connection of the fast lane that ends with its answer', () => {
  it('takes no further request', async () => {
    const targets: string[] = [];
    let release = () => {};
    const { gateway } = await startWith(startGatewayProcess, (socket, target) => {
      targets.push(target);
      if (target === '/held') release = () => socket.write(ok);
      else socket.write(ok);
    });
    const connection = openConnection(gateway.url);
    connection.send(get('/held'));
    await expect.poll(() => targets).toEqual(['/held']);
    gateway.process.kill('SIGTERM');
    await gateway.logged('draining');
    // not before it accepts no more connections
    await expect
      .poll(() => exchange(gateway.url, get('/probe')).then((answer) => answer?.status))
      .toBeUndefined();
    targets.length = 0;
    release();
    expect((await connection.answer())?.header('Connection')).toBe('close');
    connection.send(get('/behind'));
    await once(gateway.process, 'exit');
    expect(targets).toEqual([]);
  });
});
