import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  choose,
  createGate,
  jwtType,
  late,
  neverAnswer,
  noContent,
  reply,
  status,
} from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { startGateway, startGatewayProcess } from './gateway.js';
import { ownClock } from './own-clock.js';
import { format } from './raw.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

/** The first ones fill what any work fills; the others would be 6 MB if something kept every second of them. */
const warmUpTokens = 400;
const garbageTokens = 1600;
const garbageBytes = 8000;

/** By turns a long token, and a short one beside something long. */
const garbage = (name: string, turn: number) =>
  turn % 2 === 0
    ? headersOf(`${name}-${turn}-`.padEnd(garbageBytes, 'x'))
    : { 'X-Padding': 'x'.repeat(garbageBytes), ...headersOf(`${name}-${turn}`) };

const headersOf = (token: string) => ({ Authorization: `Bearer ${token}` });
const statusOf = async (answer: Promise<Response>) => (await answer).status;

/** How often each thing is there. */
function tally(things: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const thing of things) counts[thing] = (counts[thing] ?? 0) + 1;
  return counts;
}

/** Counts the introspections that are under way. */
function meter(answer: Answer) {
  let now = 0;
  const metered = { most: 0, answer };
  metered.answer = async (connection, request) => {
    metered.most = Math.max(metered.most, ++now);
    await answer(connection, request);
    now--;
  };
  return metered;
}

const start = (introspection: object = {}, lane: object = {}) => startWith(startGateway, introspection, lane);

async function startWith<G extends { readonly url: string }>(
  run: (config: object) => Promise<G>,
  introspection: object,
  lane: object,
) {
  const upstream = await startUpstream();
  const authorizationServer = await startAuthorizationServer();
  const routes = [{ path: '/', upstream: upstream.url, maxConnections: 1000 }];
  const options = { ...authorizationServer.introspection, ...introspection };
  const gateway = await run({ listen, admin, introspection: options, routes, ...lane });
  const good = reply(200, jwtType, authorizationServer.jwt);
  const ask = (token: string) => fetch(gateway.url, { headers: headersOf(token) });
  return { upstream, ...authorizationServer, gateway, good, ask };
}

describe.each([{ fastLane: true }, { fastLane: false }])('with $fastLane for fastLane', (lane) => {
  it('asks once about a token that 1,000 requests come with at once, and answers all of them', async () => {
    const { server, good, ask, upstream } = await start({}, lane);
    server.answer(late(0.02, good));
    const statuses = await Promise.all(Array.from({ length: 1000 }, () => statusOf(ask('token'))));
    expect(tally(statuses)).toEqual({ 200: 1000 });
    expect(server.calls).toHaveLength(1);
    expect(upstream.requests).toHaveLength(1000);
  });

  it('refuses with 504 as soon as timeoutSeconds are over, whatever the authorization server does', async () => {
    const { server, ask } = await start({ timeoutSeconds: 0.5, breakerFailures: 0 }, lane);
    server.answer(neverAnswer());
    await ask('warm-up');
    const measure = async (token: string) => {
      const [from, ownFrom] = [performance.now(), ownClock()];
      const { status } = await ask(token);
      return {
        status,
        seconds: (performance.now() - from) / 1000,
        ownSeconds: (ownClock() - ownFrom) / 1000,
      };
    };
    // a tick of the own clock comes late where much is to be done: the best of some attempts counts
    let slowest = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 20 && slowest > 0.55; attempt++) {
      const refusals = await Promise.all(
        Array.from({ length: 20 }, (_, turn) => measure(`${attempt}-${turn}`)),
      );
      expect(tally(refusals.map(({ status }) => status))).toEqual({ 504: 20 });
      expect(Math.min(...refusals.map(({ seconds }) => seconds))).toBeGreaterThan(0.49);
      slowest = Math.min(slowest, Math.max(...refusals.map(({ ownSeconds }) => ownSeconds)));
    }
    expect(slowest).toBeLessThan(0.55);
    await server.deserted();
  });

  it('asks about so many tokens at once, lets so many queue, and refuses the rest; known ones pass', async () => {
    const { server, good, ask, upstream } = await start(
      { maxConcurrentIntrospections: 4, maxQueuedIntrospections: 8 },
      lane,
    );
    expect(await statusOf(ask('known'))).toBe(200);
    const gate = createGate();
    const metered = meter(gate.hold(good));
    server.answer(metered.answer);
    const refused: Response[] = [];
    const asked = Array.from({ length: 30 }, async (_, turn) => {
      const answer = await ask(`token-${turn}`);
      if (answer.status === 503) refused.push(answer);
      return answer.status;
    });
    // they are refused while all others wait
    await expect.poll(() => refused).toHaveLength(18);
    for (const { headers } of refused) expect(headers.get('Retry-After')).toBe('1');
    expect(await statusOf(ask('known'))).toBe(200);
    expect(upstream.requests).toHaveLength(2);
    gate.open();
    expect(tally(await Promise.all(asked))).toEqual({ 200: 12, 503: 18 });
    expect(metered.most).toBe(4);
    expect(server.calls).toHaveLength(1 + 12);
  });

  it('lets so many requests wait for what another one asked, and refuses the rest', async () => {
    const { server, good, ask } = await start({ maxWaiters: 5 }, lane);
    const gate = createGate();
    server.answer(gate.hold(good));
    let refused = 0;
    const asked = Array.from({ length: 10 }, async () => {
      const { status } = await ask('token');
      if (status === 503) refused++;
      return status;
    });
    await expect.poll(() => refused).toBe(4);
    gate.open();
    expect(tally(await Promise.all(asked))).toEqual({ 200: 6, 503: 4 });
  });

  it('sends nothing on for clients that left while their token was asked about; others are answered', async () => {
    const { server, good, ask, gateway, upstream } = await start({}, lane);
    const gate = createGate();
    server.answer(gate.hold(good));
    const { hostname, port } = new URL(gateway.url);
    const leaving = ['/reset', '/end'].map((target) => {
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      socket.write(format('GET', target, ['Authorization: Bearer token']));
      return socket;
    });
    const staying = ask('token');
    await expect.poll(() => gateway.metrics()).toMatch(/^phantom_token_flights_joined_total 2$/m);
    leaving[0]?.resetAndDestroy();
    // the gateway closes its side too: it has understood
    leaving[1]?.resume().end();
    await once(leaving[1] as object as EventTarget, 'close');
    gate.open();
    expect(await statusOf(staying)).toBe(200);
    expect(await statusOf(ask('token'))).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/', '/']);
    expect(gateway.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it(`keeps no more memory after ${garbageTokens} garbage tokens, and still knows the good one`, async () => {
    vi.stubEnv('NODE_OPTIONS', `--import ${new URL('./kept-memory.mjs', import.meta.url)}`);
    const { server, good, ask, gateway } = await startWith(
      startGatewayProcess,
      { maxTokenLength: garbageBytes },
      lane,
    );
    vi.unstubAllEnvs();
    server.answer(choose(({ form }) => (form.get('token') === 'good' ? good : noContent())));
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    const flood = (name: string, count: number) => {
      let next = 0;
      const run = async () => {
        while (next < count) {
          const headers = garbage(name, next++);
          const [answer] = await once(get(gateway.url, { agent, headers }), 'response');
          answer.resume();
          expect(answer.statusCode).toBe(401);
        }
      };
      return Promise.all(Array.from({ length: 32 }, run));
    };
    const measure = async () => {
      const said = () => gateway.lines.filter(({ msg }) => msg === 'memory').map(({ kept }) => Number(kept));
      const before = said().length;
      gateway.process.kill('SIGUSR2');
      await expect.poll(() => said().length).toBe(before + 1);
      return said().at(-1) as number;
    };
    expect(await statusOf(ask('good'))).toBe(200);
    await flood('warm-up', warmUpTokens);
    const before = await measure();
    await flood('measured', garbageTokens);
    const growth = (await measure()) - before;
    expect(growth).toBeLessThan((garbageTokens * garbageBytes) / 4);
    expect(await statusOf(ask('good'))).toBe(200);
    expect(server.calls).toHaveLength(1 + warmUpTokens + garbageTokens);
    agent.destroy();
  });
});

describe('the breaker', () => {
  it('leaves a failing authorization server alone but for a probe a second, until it is well again', async () => {
    const { server, good, ask, gateway } = await start();
    expect(await statusOf(ask('known'))).toBe(200);
    const calledAt: number[] = [];
    server.answer((connection, request) => {
      calledAt.push(performance.now());
      return status(500)(connection, request);
    });
    for (let turn = 0; turn < 5; turn++) expect(await statusOf(ask(`token-${turn}`))).toBe(502);
    expect(calledAt).toHaveLength(5);
    const statuses: number[] = [];
    let refusal: Response;
    do {
      refusal = await ask('token');
      statuses.push(refusal.status);
      // where the machine stood still for a second, it was the first probe
    } while (refusal.status === 502);
    expect([refusal.status, refusal.headers.get('Retry-After')]).toEqual([503, '1']);
    expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 2$/m);
    // many ask all the time
    while (calledAt.length < 5 + 2) {
      await sleep(10);
      const asked = Array.from({ length: 10 }, (_, turn) => statusOf(ask(`other-${turn}`)));
      statuses.push(...(await Promise.all(asked)));
    }
    const probes = calledAt.length - 5;
    expect(tally(statuses)).toEqual({ 502: probes, 503: statuses.length - probes });
    const pauses = calledAt.slice(5).map((at, probe) => at - (calledAt[4 + probe] as number));
    expect(Math.min(...pauses)).toBeGreaterThan(990);
    expect(await statusOf(ask('known'))).toBe(200);
    server.answer(good);
    await expect.poll(() => statusOf(ask('token'))).toBe(200);
    expect(await statusOf(ask('another'))).toBe(200);
    expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 0$/m);
    expect(server.calls).toHaveLength(1 + calledAt.length + 2);
  });

  it.each([400, 401, 403, 404])(
    'stays closed where the authorization server answers with %s',
    async (code) => {
      const { server, ask, gateway } = await start();
      server.answer(status(code));
      for (let turn = 0; turn < 20; turn++) expect(await statusOf(ask(`token-${turn}`))).toBe(502);
      expect(server.calls).toHaveLength(20);
      expect(await gateway.metrics()).toMatch(/^phantom_token_breaker_state 0$/m);
    },
  );

  it('opens for as long as the authorization server says with Retry-After', async () => {
    const { server, ask } = await start();
    server.answer(status(503, { 'Retry-After': '60' }));
    const [first, second] = [await ask('first'), await ask('second')];
    expect([first.status, first.headers.get('Retry-After'), second.status]).toEqual([503, '60', 503]);
    // a second is more than enough for the next question, unless the machine stands still
    const left = Number(second.headers.get('Retry-After'));
    expect(left).toBeGreaterThan(30);
    expect(left).toBeLessThanOrEqual(60);
    expect(server.calls).toHaveLength(1);
  });
});
