import { once } from 'node:events';
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { canaries, json, jwtType, reply } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startRedis } from '../../cache-redis/test/redis-process.js';
import { writeConfig } from './config-file.js';
import { type GatewayProcess, startGatewayProcess } from './gateway.js';
import { onEnd } from './lifetime.js';
import { startLogouts } from './logouts.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const revocationSecret = 'a-secret-of-the-operators-of-this-gateway';
const pepper = { id: 'test', secret: 'what all workers know and Redis does not' };

/** A request on a connection of its own, so that workers take turns, and its answer's status. */
async function ask(url: string): Promise<number> {
  const [answer] = await once(
    get(url, { agent: new Agent(), headers: { Authorization: 'Bearer token' } }),
    'response',
  );
  await text(answer);
  return answer.statusCode;
}

const statuses = async (url: string) => {
  const all = new Set<number>();
  for (let time = 0; time < 10; time++) all.add(await ask(url));
  return [...all];
};

const revoke = async ({ adminUrl }: GatewayProcess, body: object) => {
  const headers = { Authorization: `Bearer ${revocationSecret}`, Connection: 'close' };
  const answer = await fetch(`${adminUrl}/revocations`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return answer.status;
};

/** Two workers that both know the token as active, and a server that says otherwise from now on. */
async function start(cache: object = {}) {
  const { server, introspection, jwt } = await startAuthorizationServer();
  const other = await startAuthorizationServer();
  const upstream = await startUpstream();
  const { logout, logOut } = await startLogouts();
  const gateway = await startGatewayProcess({
    listen,
    admin: { port: 0, revocationSecret },
    workers: 2,
    introspection: { ...introspection, logout },
    issuers: { other: other.introspection },
    cache,
    routes: [
      { path: '/other', upstream: upstream.url, issuer: 'other' },
      { path: '/', upstream: upstream.url },
    ],
  });
  return {
    gateway,
    server,
    other: other.server,
    logOut: (claims: object) => logOut(gateway.url, claims),
    async learn(workersAsk: boolean) {
      server.answer(reply(200, jwtType, jwt));
      await expect
        .poll(async () => [await statuses(gateway.url), !workersAsk || server.calls.length > 1])
        .toEqual([[200], true]);
      server.answer(json({ active: false }));
    },
  };
}

describe('two workers without Redis', () => {
  it('both forget whoever has logged out, at that issuer alone', async () => {
    const { gateway, other, logOut, learn } = await start();
    await learn(true);
    await expect
      .poll(async () => [await statuses(`${gateway.url}/other`), other.calls.length])
      .toEqual([[200], 2]);
    expect(await logOut({ sub: canaries.subject })).toBe(200);
    expect(await statuses(gateway.url)).toEqual([401]);
    expect([await statuses(`${gateway.url}/other`), other.calls.length]).toEqual([[200], 2]);
  });
});

describe('two workers that share a Redis', () => {
  it.each<[string, (running: Awaited<ReturnType<typeof start>>) => Promise<number>]>([
    ['has logged out', ({ logOut }) => logOut({ sub: canaries.subject })],
    ['was revoked', ({ gateway }) => revoke(gateway, { sub: canaries.subject })],
  ])('both forget whoever %s', async (_title, end) => {
    const redis = await startRedis();
    const url = `redis://127.0.0.1:${redis.port}`;
    const running = await start({ redis: { url, pepper, commandTimeoutSeconds: 30 } });
    await running.learn(false);
    // told again where Redis was not yet there
    await expect.poll(() => end(running)).toBeLessThan(300);
    // the other worker hears of it in its own time
    await expect.poll(() => statuses(running.gateway.url)).toEqual([401]);
  });
});

it('an answer to one order is none to another: a reload that fails fails no revocation', async () => {
  const { introspection } = await startAuthorizationServer();
  const upstream = await startUpstream();
  const waiting: ServerResponse[] = [];
  let isRefusing = false;
  const metadata = createServer((_request, response) => {
    if (isRefusing) response.writeHead(503).end();
    else waiting.push(response);
  });
  await once(metadata.listen(0, '127.0.0.1'), 'listening');
  onEnd(() => void metadata.close());
  const config = {
    listen,
    admin: { port: 0, revocationSecret },
    workers: 2,
    introspection,
    routes: [{ path: '/', upstream: upstream.url }],
  };
  const { file, write } = writeConfig(config);
  const gateway = await startGatewayProcess({ file });
  const issuer = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
  write({ ...config, introspection: { ...introspection, endpoint: undefined, issuer } });
  gateway.process.kill('SIGHUP');
  await expect.poll(() => waiting.length).toBeGreaterThan(1);
  const revoked = revoke(gateway, { token: 'token' });
  // by now the order is likely given
  for (let time = 0; time < 3; time++) expect((await gateway.admin('/metrics')).status).toBe(200);
  isRefusing = true;
  for (const response of waiting) response.writeHead(503).end();
  expect(await revoked).toBe(204);
  await gateway.logged('the configuration was not reloaded; going on with the old one');
});
