import { reply } from '@phantom-token/conformance';
import { expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { exchange, format } from './raw.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

it('a breaker that opens for the last requests of a former configuration is not in the metrics', async () => {
  const upstream = await startUpstream();
  const { server, introspection } = await startAuthorizationServer();
  const routes = [{ path: '/api', upstream: upstream.url }];
  const config = { listen, admin, introspection: { ...introspection, breakerFailures: 1 }, routes };
  const gateway = await startGateway(config);
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    server.answer(async (connection, request) => {
      resolve();
      await new Promise<void>((go) => {
        answer = go;
      });
      await reply(500, {})(connection, request);
    });
  });
  const answered = exchange(gateway.url, format('GET', '/api', ['Authorization: Bearer token']));
  await asked;
  await gateway.reload({ ...config, introspection: { ...config.introspection, audience: 'api' } });
  answer();
  expect((await answered)?.status).toBe(502);
  expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 0$/m);
});
