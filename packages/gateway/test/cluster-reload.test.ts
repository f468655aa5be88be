import { once } from 'node:events';
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { writeConfig } from './config-file.js';
import { startGatewayProcess } from './gateway.js';
import { onEnd } from './lifetime.js';
import { readChildren } from './process-status.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

/** An issuer that can be discovered so many times, and then never again. */
async function startMetadata(
  times: number,
): Promise<{ readonly issuer: string; readonly asked: () => number }> {
  let asked = 0;
  let issuer = '';
  const server = createServer(({ url }, response: ServerResponse) => {
    const body = JSON.stringify({ issuer, introspection_endpoint: `${issuer}/introspect` });
    // who is refused these asks for others too
    const isFirst = url?.endsWith('openid-configuration');
    if (isFirst) asked++;
    const status = isFirst && asked <= times ? 200 : 503;
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onEnd(() => void server.close());
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { issuer, asked: () => asked };
}

/** On a connection of its own, so that workers take turns. */
async function statusOf(url: string): Promise<number> {
  const [answer] = await once(get(url, { agent: new Agent() }), 'response');
  await text(answer);
  return answer.statusCode;
}

it.each([
  ['all workers refuse', 0],
  ['one of the workers refuses', 1],
])('a file that %s is in force nowhere, nor for a worker that starts later', async (_title, discoveries) => {
  const upstream = await startUpstream();
  const { introspection } = await startAuthorizationServer();
  const config = {
    listen,
    admin,
    workers: 2,
    introspection,
    routes: [{ path: '/old', upstream: upstream.url, auth: 'none' }],
  };
  const { file, write } = writeConfig(config);
  const gateway = await startGatewayProcess({ file });
  const { issuer, asked } = await startMetadata(discoveries);
  write({
    ...config,
    introspection: { ...introspection, endpoint: undefined, issuer },
    routes: [{ path: '/new', upstream: upstream.url, auth: 'none' }],
  });
  gateway.process.kill('SIGHUP');
  await gateway.logged('the configuration was not reloaded; going on with the old one');
  expect(asked()).toBe(2);

  const expectOld = async () => {
    for (let time = 0; time < 10; time++) {
      expect(await statusOf(`${gateway.url}/old`)).toBe(200);
      expect(await statusOf(`${gateway.url}/new`)).toBe(404);
    }
  };
  await expectOld();
  for (const [index, pid] of readChildren(gateway.process.pid).entries()) {
    process.kill(pid, 'SIGKILL');
    const ended = () =>
      gateway.lines.filter(({ msg }) => msg === 'a worker ended; another one takes its place');
    await expect.poll(ended).toHaveLength(index + 1);
    await expect.poll(async () => (await gateway.admin('/readyz')).ok).toBe(true);
  }
  expect(readChildren(gateway.process.pid)).toHaveLength(2);
  await expectOld();
});
