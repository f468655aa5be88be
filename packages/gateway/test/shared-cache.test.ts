import { canaries } from '@phantom-token/conformance';
import { expect, it, vi } from 'vitest';
import { startRedis } from '../../cache-redis/test/redis-process.js';
import { startGateway } from './gateway.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

vi.setConfig({ testTimeout: 20_000 });

const revocationSecret = 'a-secret-of-the-operators-of-these-gateways';
const pepper = { id: 'test', secret: 'what both gateways know and Redis does not' };

/** Two gateways that share a Redis, in front of one API. */
async function start(redisOptions: object = { pepper }) {
  const redis = await startRedis();
  const upstream = await startUpstream();
  const { server, introspection } = await startAuthorizationServer();
  const run = () =>
    startGateway({
      listen,
      admin: { port: 0, revocationSecret },
      introspection,
      cache: { redis: { url: `redis://127.0.0.1:${redis.port}`, ...redisOptions } },
      routes: [{ path: '/', upstream: upstream.url }],
    });
  const [one, other] = await Promise.all([run(), run()]);
  const ask = async ({ url }: { url: string }, token = 'token') =>
    (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status;
  return { redis, server, one, other, ask };
}

it('gateways that share a Redis introspect a token once, and leave nothing readable in it', async () => {
  const { redis, server, one, other, ask } = await start();
  await vi.waitFor(async () => {
    expect([await ask(one, 'warm'), await ask(other, 'warm')]).toEqual([200, 200]);
    expect(await (await redis.connect()).dbsize()).toBeGreaterThan(0);
  });
  const before = server.calls.length;
  expect([await ask(one), await ask(other), await ask(one), await ask(other)]).toEqual([200, 200, 200, 200]);
  expect(server.calls.length).toBe(before + 1);
  const connection = await redis.connect();
  for (const key of await connection.keys('*')) {
    const type = await connection.type(key);
    const value = type === 'string' ? (await connection.getBuffer(key))?.toString('latin1') : '';
    for (const secret of [canaries.subject, 'token', 'eyJ']) expect(`${key}${value}`).not.toContain(secret);
  }
});

it('what is revoked at one is asked anew by the other', async () => {
  const { server, one, other, ask } = await start();
  await ask(one);
  await ask(other);
  await vi.waitFor(async () => {
    const before = server.calls.length;
    const revoked = await fetch(`${one.adminUrl}/revocations`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${revocationSecret}` },
      body: JSON.stringify({ token: 'token' }),
    });
    expect(revoked.status).toBe(204);
    await vi.waitFor(async () => {
      expect(await ask(other)).toBe(200);
      expect(server.calls.length).toBeGreaterThan(before);
    });
  });
});

it('they go on without it when it dies, and say so once', async () => {
  const { redis, one, ask } = await start();
  expect(await ask(one)).toBe(200);
  await redis.kill();
  for (const token of ['a', 'b', 'c']) expect(await ask(one, token)).toBe(200);
  await one.logged('the shared cache cannot be reached; going on without it');
});

it('a shared cache without a pepper is warned about', async () => {
  const { one, ask } = await start({});
  expect(await ask(one)).toBe(200);
  expect(one.lines.filter(({ msg }) => msg.startsWith('cache.redis has no pepper'))).toHaveLength(1);
});
