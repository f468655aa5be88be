import { expect, it } from 'vitest';
import { startRedis } from '../../cache-redis/test/redis-process.js';
import { startGateway } from './gateway.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const revocationSecret = 'a-secret-of-the-operators-of-this-gateway';
const pepper = { id: 'test', secret: 'what all instances know and Redis does not' };

it.each([
  ['an hour', {}, 3600],
  ['as long as answers are reused', { maxTtlSeconds: 86_400, staleIfErrorSeconds: 300 }, 86_700],
])('what was revoked is kept for %s', async (_title, freshness, least) => {
  const redis = await startRedis();
  const { introspection } = await startAuthorizationServer();
  const upstream = await startUpstream();
  const url = `redis://127.0.0.1:${redis.port}`;
  const gateway = await startGateway({
    listen,
    admin: { port: 0, revocationSecret },
    introspection,
    cache: { ...freshness, redis: { url, pepper, commandTimeoutSeconds: 30 } },
    routes: [{ path: '/', upstream: upstream.url }],
  });
  const revoke = async () => {
    const answer = await fetch(`${gateway.adminUrl}/revocations`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${revocationSecret}`, Connection: 'close' },
      body: JSON.stringify({ sub: 'somebody' }),
    });
    return answer.status;
  };
  await expect.poll(revoke).toBe(204);
  const connection = await redis.connect();
  const [key = ''] = await connection.keys('*revocations*');
  // less what has gone by since
  const ttl = await connection.ttl(key);
  expect(ttl).toBeGreaterThan(least - 30);
  expect(ttl).toBeLessThan(least + 600);
});
