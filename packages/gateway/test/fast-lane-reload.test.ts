import { expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { exchange, format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

it('a reload switches the fast lane on and off', async () => {
  const upstream = await startUpstream();
  const { introspection } = await startAuthorizationServer();
  const config = { listen, introspection, routes: [{ path: '/api', upstream: upstream.url }] };
  const gateway = await startGateway({ ...config, fastLane: false });
  // what only Node's HTTP server says
  const isGeneral = async () => {
    const answer = await exchange(gateway.url, format('GET', '/api', ['Authorization: Bearer token']));
    expect(answer?.status).toBe(200);
    return answer?.header('keep-alive') !== undefined;
  };
  expect(await isGeneral()).toBe(true);
  await gateway.reload({ ...config, fastLane: true });
  expect(await isGeneral()).toBe(false);
  await gateway.reload({ ...config, fastLane: false });
  expect(await isGeneral()).toBe(true);
});
