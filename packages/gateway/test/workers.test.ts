import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { jwtType, late, reply } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { writeConfig } from './config-file.js';
import { type GatewayProcess, startGatewayProcess } from './gateway.js';
import { startLoad } from './kept-load.js';
import { readChildren } from './process-status.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

const tokenOf = (client: number, turn: number) =>
  turn % 7 === 0 ? `new-${client}-${turn}` : `token-${client % 5}`;

async function start(listener?: Parameters<typeof startUpstream>[0]) {
  const upstream = await startUpstream(listener);
  const { introspection, server, jwt } = await startAuthorizationServer();
  server.answer(late(0.005, reply(200, jwtType, jwt)));
  const routes = [{ path: '/api', upstream: upstream.url }];
  const config = { listen, admin, workers: 2, introspection, routes };
  const file = writeConfig(config);
  return {
    config,
    upstream,
    server,
    gateway: await startGatewayProcess({ file: file.file }),
    write: file.write,
  };
}

/** A request on a connection of its own, and its answer's status. */
async function ask(url: string, token = 'token'): Promise<number> {
  const agent = new Agent();
  const [answer] = await once(get(url, { agent, headers: { Authorization: `Bearer ${token}` } }), 'response');
  await text(answer);
  return answer.statusCode;
}

const isReady = async (gateway: GatewayProcess) => (await gateway.admin('/readyz')).ok;

/** What a counter says, all its labels together. */
async function readCounter(gateway: GatewayProcess, name: string): Promise<number> {
  const values = (await gateway.metrics()).matchAll(
    new RegExp(`^phantom_token_${name}(?:{.*})? (\\d+)$`, 'gm'),
  );
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}

describe('two workers', () => {
  it('both serve; their metrics are added up, and they are as badly off as the worse of the two says', async () => {
    const { gateway, server } = await start();
    expect(readChildren(gateway.process.pid)).toHaveLength(2);
    for (let time = 0; time < 20; time++) expect(await ask(`${gateway.url}/api`)).toBe(200);
    // each has a cache of its own
    expect(server.calls).toHaveLength(2);
    expect(await readCounter(gateway, 'introspections_total')).toBe(2);
    expect(await readCounter(gateway, 'cache_hits_total')).toBe(18);
    expect(await readCounter(gateway, 'requests_total')).toBe(20);

    server.answer(reply(500, {}));
    const state = async () => /^phantom_token_breaker_state (.*)$/m.exec(await gateway.metrics())?.[1];
    expect(await state()).toBe('0');
    const openBreakers = async () => {
      for (let time = 0; time < 4; time++) await ask(`${gateway.url}/api`, `token-${time}`);
      return gateway.lines.filter(({ state }) => state === 'open');
    };
    await expect.poll(openBreakers).toHaveLength(2);
    expect(await state()).toBe('2');
  });

  it('are not ready after one was killed, until there are two again that know the file as it was read last', async () => {
    const { gateway, config, upstream, write } = await start();
    const route = { path: '/new', upstream: upstream.url, auth: 'none' };
    write({ ...config, routes: [...config.routes, route] });
    gateway.process.kill('SIGHUP');
    await gateway.logged('reloaded');
    const [first, second] = readChildren(gateway.process.pid);
    expect(await isReady(gateway)).toBe(true);
    process.kill(Number(first), 'SIGKILL');
    // asked all the time: how soon the other one is there is not ours to say
    let wasReady = true;
    while (wasReady) wasReady = await isReady(gateway);
    expect(await ask(`${gateway.url}/api`)).toBe(200);
    const { level } = await gateway.logged('a worker ended; another one takes its place');
    expect(level).toBe('error');
    await expect.poll(() => isReady(gateway)).toBe(true);
    const pids = readChildren(gateway.process.pid);
    expect(pids).toHaveLength(2);
    expect(pids).toContain(second);
    expect(pids).not.toContain(first);
    const before = await readCounter(gateway, 'requests_total');
    for (let time = 0; time < 20; time++) expect(await ask(`${gateway.url}/new`)).toBe(200);
    expect(await readCounter(gateway, 'requests_total')).toBe(before + 20);
  });

  it('answer all requests under load while the file is read again and again, and when told to end', async () => {
    const { gateway, config, upstream, write } = await start();
    const exit = once(gateway.process, 'exit');
    const load = startLoad(`${gateway.url}/api`, { clients: 40, tokenOf });
    for (let time = 1; time <= 5; time++) {
      await load.more(300);
      write({
        ...config,
        routes: [...config.routes, { path: `/new-${time}`, upstream: upstream.url, auth: 'none' }],
      });
      gateway.process.kill('SIGHUP');
      await expect.poll(() => gateway.lines.filter(({ msg }) => msg === 'reloaded')).toHaveLength(time);
      for (let turn = 0; turn < 4; turn++) expect(await ask(`${gateway.url}/new-${time}`)).toBe(200);
    }
    gateway.process.kill('SIGTERM');
    // no more connections are taken
    await load.refused;
    expect(load.failures).toEqual([]);
    expect(await exit).toEqual([0, null]);
  });

  it('answer all requests when a terminal tells all of them to end at once', async () => {
    const { gateway } = await start();
    const exit = once(gateway.process, 'exit');
    const load = startLoad(`${gateway.url}/api`, { clients: 40, tokenOf });
    await load.more(1000);
    for (const pid of [...readChildren(gateway.process.pid), Number(gateway.process.pid)])
      process.kill(pid, 'SIGINT');
    await load.refused;
    expect(load.failures).toEqual([]);
    expect(await exit).toEqual([0, null]);
  });

  it('end with the process that started them, however it ends', async () => {
    const { gateway } = await start();
    const pids = readChildren(gateway.process.pid);
    gateway.process.kill('SIGKILL');
    const isAlive = (pid: number) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
  });
});
