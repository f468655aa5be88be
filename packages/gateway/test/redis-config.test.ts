import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runHere, startGateway } from './gateway.js';
import { onEnd } from './lifetime.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const configOf = (redis: object) =>
  JSON.stringify({
    introspection: {
      endpoint: 'https://login.example.com/introspect',
      clientAuth: { method: 'client_secret_basic', clientId: 'gateway', clientSecret: 'secret' },
    },
    cache: { redis },
    forwardAuth: { path: '/authorize' },
  });
const check = (redis: object) => runHere(['--config', '-', '--check'], configOf(redis));
const pepper = (id: string, secret = 'x'.repeat(32)) => ({ id, secret });

/** Something in the place of Redis, and the connections that were made to it. */
async function startListener() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

describe('addresses of Redis servers', () => {
  it.each<[string, (address: string) => object]>([
    ['of a Cluster', (address) => ({ cluster: [address] })],
    ['of Sentinels', (address) => ({ sentinels: [address], name: 'primary' })],
  ])('%s may be a host and a port', async (_title, redisAt) => {
    const { port, sockets } = await startListener();
    const upstream = await startUpstream();
    const { introspection } = await startAuthorizationServer();
    const routes = [{ path: '/', upstream: upstream.url }];
    await startGateway({
      listen,
      introspection,
      routes,
      cache: { redis: redisAt(`127.0.0.1:${port}`) },
    });
    await expect.poll(() => sockets.length).toBeGreaterThan(0);
  });

  it.each([
    ['redis-1.example.com'],
    ['redis-1.example.com:6379'],
    ['[2001:db8::1]:6379'],
    ['redis://redis-1.example.com:6379'],
    ['rediss://[2001:db8::1]'],
  ])('may be %s', async (address) => {
    expect(await check({ cluster: [address, address] })).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    ['a port that there is not', ['a:65536']],
    ['a port of 0', ['a:0']],
    ['two ports', ['a:1:2']],
    ['IPv6 without brackets', ['2001:db8::1']],
    ['brackets with no address in them', ['[1:2]:6379']],
    ['a scheme in capitals', ['REDIS://a:6379']],
    ['a path', ['redis://a:6379/1']],
    ['credentials', ['redis://:canary@a:6379']],
  ])('may not have %s', async (_title, cluster) => {
    const { code, stderr } = await check({ cluster });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^cache\.redis\.cluster\[0\] \(line 1\): must be a host and a port, such as redis-1/,
    );
    expect(stderr).not.toContain('canary');
  });

  it('are all with TLS, or all without, or do not say', async () => {
    for (const cluster of [
      ['redis://a', 'rediss://b'],
      ['a:1', 'redis://b:1'],
    ])
      expect(await check({ cluster })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /^cache\.redis\.cluster .*: must all begin with redis:, all with rediss:/,
        ),
      });
  });
});

describe('credentials for Sentinels', () => {
  it('stand beside those for the servers', async () => {
    const sentinels = { sentinels: ['a:26379'], name: 'primary', password: 'one' };
    const options = { ...sentinels, sentinelUsername: 'watcher', sentinelPassword: 'two' };
    expect(await check(options)).toMatchObject({ code: 0, stderr: '' });
  });

  it('are shown to the Sentinels', async () => {
    const { port, sockets } = await startListener();
    const upstream = await startUpstream();
    const { introspection } = await startAuthorizationServer();
    const redis = {
      sentinels: [`127.0.0.1:${port}`],
      name: 'primary',
      sentinelUsername: 'watcher',
      sentinelPassword: 'word-of-the-watcher',
    };
    const routes = [{ path: '/', upstream: upstream.url }];
    await startGateway({ listen, introspection, routes, cache: { redis } });
    const heard = () => String(sockets[0]?.read() ?? '');
    await expect.poll(heard).toMatch(/auth\r\n\$7\r\nwatcher\r\n\$19\r\nword-of-the-watcher/i);
  });

  it.each([
    [
      'without Sentinels',
      { url: 'redis://a', sentinelPassword: 'canary' },
      /sentinelPassword .*: goes with sentinels/,
    ],
    [
      'without a password',
      { sentinels: ['a:1'], name: 'primary', sentinelUsername: 'watcher' },
      /sentinelUsername .*: goes with sentinelPassword/,
    ],
  ])('are refused %s', async (_title, redis, message) => {
    const { code, stderr } = await check(redis);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('canary');
  });
});

it('no pepper is called as what stands for none', async () => {
  const { code, stderr } = await check({ url: 'redis://a', pepper: pepper('none') });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^cache\.redis\.pepper\.id .*: must be another: it stands for no pepper/);
});

it('two peppers with one id are refused, since nobody could tell what was sealed with which', async () => {
  const redis = { url: 'redis://a', pepper: pepper('a'), formerPepper: pepper('a', 'y'.repeat(32)) };
  const { code, stderr } = await check(redis);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^cache\.redis\.formerPepper\.id .*: must be another than that of pepper/);
});
