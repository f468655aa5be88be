import { expect, it } from 'vitest';
import { writeConfig } from './config-file.js';
import { startGatewayProcess } from './gateway.js';
import { exchange, format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

it('a reload switches the fast lane on and off', async () => {
  const upstream = await startUpstream();
  const { introspection } = await startAuthorizationServer();
  const config = { listen, introspection, routes: [{ path: '/api', upstream: upstream.url }] };
  const { file, write } = writeConfig({ ...config, fastLane: false });
  const gateway = await startGatewayProcess({ file });
  const reload = async (fastLane: boolean, times: number) => {
    write({ ...config, fastLane });
    gateway.process.kill('SIGHUP');
    await expect.poll(() => gateway.lines.filter(({ msg }) => msg === 'reloaded')).toHaveLength(times);
  };
  // what only Node's HTTP server says
  const isGeneral = async () => {
    const answer = await exchange(gateway.url, format('GET', '/api', ['Authorization: Bearer token']));
    expect(answer?.status).toBe(200);
    return answer?.header('keep-alive') !== undefined;
  };
  expect(await isGeneral()).toBe(true);
  await reload(true, 1);
  expect(await isGeneral()).toBe(false);
  await reload(false, 2);
  expect(await isGeneral()).toBe(true);
});
