import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startRedis } from '../../cache-redis/test/redis-process.js';
import { startGateway } from './gateway.js';
import { onEnd } from './lifetime.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

/** An issuer that lets everybody wait for its metadata, until it refuses them. */
async function startMetadata() {
  const waiting: ServerResponse[] = [];
  const refuseOne = (response: ServerResponse) => void response.writeHead(503).end();
  let take = (response: ServerResponse) => void waiting.push(response);
  const server = createServer((_request, response) => take(response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onEnd(() => void server.close());
  return {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refuse() {
      take = refuseOne;
      waiting.forEach(refuseOne);
    },
  };
}

it('a reload that fails leaves no connection to Redis behind', async () => {
  const redis = await startRedis();
  const connection = await redis.connect();
  const upstream = await startUpstream();
  const { introspection } = await startAuthorizationServer();
  const { issuer, refuse } = await startMetadata();
  const config = {
    listen,
    introspection,
    cache: { redis: { url: `redis://127.0.0.1:${redis.port}` } },
    routes: [{ path: '/', upstream: upstream.url }],
  };
  const count = async () =>
    String(await connection.client('LIST'))
      .split('\n')
      .filter((line) => line !== '').length;
  const gateway = await startGateway(config);
  // ours, one for commands and one that hears of revocations
  await expect.poll(count).toBe(3);

  const reloaded = gateway.reload({
    ...config,
    introspection: { ...introspection, endpoint: undefined, issuer },
    issuers: { other: introspection },
  });
  let hasFailed = false;
  const failed = reloaded.catch(() => {
    hasFailed = true;
  });
  // it waits for no issuer for ever
  await expect.poll(async () => hasFailed || (await count()) === 5).toBe(true);
  refuse();
  await failed;
  expect(hasFailed).toBe(true);
  await expect.poll(count).toBe(3);
});
