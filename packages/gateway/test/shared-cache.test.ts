import { canaries } from '@phantom-token/conformance';
import { expect, it } from 'vitest';
import { startRedis } from '../../cache-redis/test/redis-process.js';
import { startGateway } from './gateway.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const revocationSecret = 'a-secret-of-the-operators-of-these-gateways';
const pepper = { id: 'test', secret: 'what both gateways know and Redis does not' };

/** Two gateways that share a Redis, in front of one API. */
async function start(redisOptions: object = { pepper, commandTimeoutSeconds: 30 }) {
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
  // both have Redis from the moment on when one knows what the other has asked about
  let turn = 0;
  const asksTwice = async () => {
    const [token, asked] = [`warm-${turn++}`, server.calls.length];
    expect([await ask(one, token), await ask(other, token)]).toEqual([200, 200]);
    return server.calls.length - asked;
  };
  await expect.poll(asksTwice).toBe(1);
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
  const asksAnew = async () => {
    const before = server.calls.length;
    const revoked = await fetch(`${one.adminUrl}/revocations`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${revocationSecret}`, Connection: 'close' },
      body: JSON.stringify({ token: 'token' }),
    });
    expect(revoked.status).toBe(204);
    // where the other did not listen yet, it has to be told again
    for (let turn = 0; turn < 20 && server.calls.length === before; turn++)
      expect(await ask(other)).toBe(200);
    return server.calls.length - before;
  };
  await expect.poll(asksAnew).toBeGreaterThan(0);
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
