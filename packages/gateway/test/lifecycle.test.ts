import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { choose, createGate, jwtType, late, noContent, reply } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { writeConfig } from './config-file.js';
import { startGateway, startGatewayProcess } from './gateway.js';
import { startLoad } from './kept-load.js';
import { format, openConnection } from './raw.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

/** Most tokens are known soon; every seventh request comes with a new one. */
const tokenOf = (client: number, turn: number) =>
  turn % 7 === 0 ? `new-${client}-${turn}` : `token-${client % 5}`;

const authorized = { Authorization: 'Bearer token' };

/** Longer than any test may take. */
const patient = { limits: { drainSeconds: 3600 } };

/** The first answer of an upstream that is held up until told. */
function createHold() {
  let hold: (held: { request: IncomingMessage; response: ServerResponse }) => void = () => {};
  const held = new Promise<{ request: IncomingMessage; response: ServerResponse }>((resolve) => {
    hold = resolve;
  });
  return {
    held,
    listener: (request: IncomingMessage, response: ServerResponse) => hold({ request, response }),
  };
}

/** Whether a new connection is not taken any more. */
const isRefused = (url: string) =>
  fetch(url).then(
    () => false,
    () => true,
  );

/** How a process ends: its exit code, or the signal. */
const endOf = async (process: ChildProcess) => {
  const [code, signal] = await once(process, 'exit');
  return code ?? signal;
};

describe.each([{ fastLane: true }, { fastLane: false }])('with $fastLane for fastLane', (lane) => {
  async function start(more: object = {}, listener?: Parameters<typeof startUpstream>[0]) {
    const upstream = await startUpstream(listener);
    const authorizationServer = await startAuthorizationServer();
    const { introspection, server, jwt } = authorizationServer;
    server.answer(late(0.005, reply(200, jwtType, jwt)));
    const config = {
      listen,
      admin,
      introspection,
      routes: [{ path: '/api', upstream: upstream.url }],
      ...lane,
      ...more,
    };
    return { upstream, ...authorizationServer, config };
  }

  it('answers all requests under load while it reads its file again and again, and when told to end; exits with 0', async () => {
    const { config, upstream } = await start();
    const { file, write } = writeConfig(config);
    const gateway = await startGatewayProcess({ file });
    const exit = endOf(gateway.process);
    const load = startLoad(`${gateway.url}/api`, { clients: 200, tokenOf });
    for (let time = 1; time <= 5; time++) {
      await load.more(300);
      const route = { path: `/new-${time}`, upstream: upstream.url, auth: 'none' };
      write({ ...config, routes: [...config.routes, route] });
      gateway.process.kill('SIGHUP');
      await expect.poll(() => gateway.lines.filter(({ msg }) => msg === 'reloaded')).toHaveLength(time);
      expect((await fetch(`${gateway.url}/new-${time}`)).status).toBe(200);
      expect((await fetch(`${gateway.url}/new-${time - 1}`)).status).toBe(404);
    }
    gateway.process.kill('SIGTERM');
    await load.refused;
    expect(load.failures).toEqual([]);
    expect(await exit).toBe(0);
    await expect(once(connect(Number(new URL(gateway.url).port), '127.0.0.1'), 'connect')).rejects.toThrow(
      'ECONNREFUSED',
    );
  });

  it('answers a request that came while the machine stood still, after it was told to end', async () => {
    const { config } = await start();
    const bytes = format('GET', '/api', ['Authorization: Bearer token']);
    for (let isTooLate = true; isTooLate; ) {
      const gateway = await startGatewayProcess(config);
      const connection = openConnection(gateway.url);
      connection.send(bytes);
      expect((await connection.answer())?.status).toBe(200);
      gateway.process.kill('SIGTERM');
      await gateway.logged('draining');
      // the connection was found silent once, which is no reason to close it
      await sleep(1500);
      gateway.process.kill('SIGSTOP');
      await sleep(100);
      isTooLate = !connection.isOpen;
      connection.send(bytes);
      await sleep(1500);
      gateway.process.kill('SIGCONT');
      const answer = await connection.answer();
      if (!isTooLate) expect(answer).toMatchObject({ status: 200, isCut: false });
    }
  });

  it('takes no new connection while the ones that it has end', async () => {
    const { held, listener } = createHold();
    const { config } = await start(patient, listener);
    const gateway = await startGateway(config);
    const answer = fetch(`${gateway.url}/api`, { headers: authorized });
    const { response } = await held;
    const drained = gateway.drain();
    await expect.poll(() => isRefused(`${gateway.url}/api`)).toBe(true);
    response.end('late');
    expect(await (await answer).text()).toBe('late');
    await drained;
  });

  it('lets a slow upload and a slow download end', async () => {
    const { held, listener } = createHold();
    const { config } = await start(patient, (request, response) => {
      if (request.method === 'POST') text(request).then((body) => response.end(body));
      else listener(request, response);
    });
    const gateway = await startGateway(config);
    const upload = request(`${gateway.url}/api`, { method: 'POST', headers: authorized });
    upload.write('first ');
    const download = fetch(`${gateway.url}/api`, { headers: authorized });
    const { response } = await held;
    response.write('first ');
    await download;
    const drained = gateway.drain();
    response.end('last');
    upload.end('last');
    const [uploaded] = await once(upload, 'response');
    expect([await (await download).text(), await text(uploaded)]).toEqual(['first last', 'first last']);
    await drained;
  });

  it('tells a client with its answer that the connection ends', async () => {
    const { held, listener } = createHold();
    const { config } = await start(patient, listener);
    const gateway = await startGateway(config);
    const agent = new Agent({ keepAlive: true });
    const asked = get(`${gateway.url}/api`, { headers: authorized, agent });
    const { response } = await held;
    const drained = gateway.drain();
    await expect.poll(() => isRefused(gateway.url)).toBe(true);
    response.end();
    const [answer] = await once(asked, 'response');
    expect(answer.headers.connection).toBe('close');
    await drained;
  });

  it('breaks off what lasts longer than drainSeconds, and exits with 0', async () => {
    const { held, listener } = createHold();
    const { config } = await start({ limits: { drainSeconds: 0.3 } }, listener);
    const gateway = await startGatewayProcess(config);
    const exit = endOf(gateway.process);
    const answer = fetch(`${gateway.url}/api`, { headers: authorized });
    await held;
    const from = performance.now();
    gateway.process.kill('SIGTERM');
    await expect(answer).rejects.toThrow('fetch failed');
    expect(await exit).toBe(0);
    expect(performance.now() - from).toBeGreaterThan(290);
  });

  it('closes connections that nobody uses, long before drainSeconds', async () => {
    const { config } = await start(patient);
    const gateway = await startGateway(config);
    const agent = new Agent({ keepAlive: true });
    const { port } = new URL(gateway.url);
    connect(Number(port), '127.0.0.1');
    const [answer] = await once(get(`${gateway.url}/api`, { headers: authorized, agent }), 'response');
    await text(answer);
    await gateway.drain();
  });

  it('says that it is alive all the time, and that it is ready until it is told to end', async () => {
    const { held, listener } = createHold();
    const { config } = await start(patient, listener);
    const gateway = await startGateway(config);
    const statusOf = async (path: string) => (await gateway.admin(path)).status;
    expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 200]);
    const answer = fetch(`${gateway.url}/api`, { headers: authorized });
    const { response } = await held;
    const drained = gateway.drain();
    expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 503]);
    response.end();
    expect((await answer).status).toBe(200);
    await drained;
  });

  it('forwards what it was still asking the authorization server about when its file changed', async () => {
    const { config, server, jwt } = await start();
    const gate = createGate();
    const good = reply(200, jwtType, jwt);
    server.answer(choose(({ form }) => (form.get('token') === 'slow' ? gate.hold(good) : good)));
    const introspection = { ...config.introspection, maxConcurrentIntrospections: 1 };
    const gateway = await startGateway({ ...config, introspection });
    const ask = (method: string, token: string) =>
      fetch(`${gateway.url}/api`, { method, headers: { Authorization: `Bearer ${token}` } });
    const asked = [ask('GET', 'slow')];
    await server.called(1);
    // these queue behind the slow one
    asked.push(ask('GET', 'second'), ask('POST', 'third'));
    await expect.poll(() => gateway.metrics()).toMatch(/^phantom_token_cache_misses_total 3$/m);
    await gateway.reload({ ...config, introspection });
    expect(server.calls).toHaveLength(1);
    gate.open();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('lets a download that began before its file changed end', async () => {
    const { held, listener } = createHold();
    const { config } = await start({}, listener);
    const gateway = await startGateway(config);
    const download = fetch(`${gateway.url}/api`, { headers: authorized });
    const { response } = await held;
    response.write('first ');
    await gateway.reload(config);
    response.end('last');
    expect(await (await download).text()).toBe('first last');
  });
});

describe('a file that is read again', () => {
  async function start() {
    const upstream = await startUpstream();
    const { introspection, server } = await startAuthorizationServer();
    const config = { listen, admin, introspection, routes: [{ path: '/api', upstream: upstream.url }] };
    return { config, server, ...writeConfig(config) };
  }

  it('changes nothing where it is invalid, and every mistake is logged', async () => {
    const { config, file, write } = await start();
    const gateway = await startGatewayProcess({ file });
    write({ ...config, cache: { maxEntries: 0 }, routes: [{ path: 'api', upstream: 'ftp://x' }], typo: 1 });
    gateway.process.kill('SIGHUP');
    const { level, reason } = await gateway.logged(
      'the configuration was not reloaded; going on with the old one',
    );
    expect(level).toBe('error');
    for (const path of ['cache.maxEntries', 'routes[0].path', 'routes[0].upstream', 'typo'])
      expect(reason).toContain(`${path} (line `);
    expect((await fetch(`${gateway.url}/api`, { headers: authorized })).status).toBe(200);
    write(config);
    gateway.process.kill('SIGHUP');
    await gateway.logged('reloaded');
  });

  it('changes nothing where it asks for what needs a restart', async () => {
    const { config } = await start();
    const gateway = await startGateway(config);
    const next = { ...config, routes: [], forwardAuth: { path: '/auth' }, workers: 2 };
    await expect(gateway.reload(next)).rejects.toThrow('listen, workers, admin and limits need a restart');
    expect((await fetch(`${gateway.url}/api`, { headers: authorized })).status).toBe(200);
  });

  it('is in force as it was at the last of several signals in a row', async () => {
    const { config, file, write } = await start();
    const gateway = await startGatewayProcess({ file });
    for (let time = 1; time <= 5; time++) {
      write({
        ...config,
        routes: [{ path: `/route-${time}`, upstream: config.routes[0]?.upstream, auth: 'none' }],
      });
      gateway.process.kill('SIGHUP');
    }
    await expect.poll(async () => (await fetch(`${gateway.url}/route-5`)).status).toBe(200);
    expect(gateway.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it('resets the breaker with the client that it belongs to, in the metrics too', async () => {
    const { config, server } = await start();
    server.answer(reply(500, {}));
    const gateway = await startGateway(config);
    for (let time = 0; time < 5; time++) await fetch(`${gateway.url}/api`, { headers: authorized });
    expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 2$/m);
    server.answer(noContent());
    await gateway.reload({ ...config, introspection: { ...config.introspection, timeoutSeconds: 30 } });
    expect((await fetch(`${gateway.url}/api`, { headers: authorized })).status).toBe(401);
    expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 0$/m);
  });
});
