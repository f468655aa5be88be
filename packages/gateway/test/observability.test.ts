import {
  canaries,
  createGate,
  json,
  jwtType,
  neverAnswer,
  noContent,
  reply,
  signJwt,
  status,
} from '@phantom-token/conformance';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { writeConfig } from './config-file.js';
import { type RunningGateway, startGateway, startGatewayProcess } from './gateway.js';
import { exchange, format } from './raw.js';
import { admin, listen, liveClaims, startAuthorizationServer, startUpstream } from './stage.js';
import { startNamedTokens } from './tokens.js';

const headersOf = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The metrics, each with its labels as Prometheus has them. */
async function readMetrics(gateway: RunningGateway): Promise<Record<string, number>> {
  const lines = (await gateway.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')).replace('phantom_token_', ''),
      Number(line.split(' ').at(-1)),
    ]),
  );
}

describe.each([{ fastLane: true }, { fastLane: false }])('with $fastLane for fastLane', (lane) => {
  it('the metrics say how tokens were found, what became of introspections, and how long upstreams took', async () => {
    const upstream = await startUpstream((_asked, response) => void setTimeout(() => response.end(), 60));
    const { introspection, hastyIntrospection, server } = await startNamedTokens();
    const issuers = { hasty: hastyIntrospection };
    const route = { upstream: upstream.url, requiredScopes: ['read'] };
    const routes = [
      { path: '/hasty', issuer: 'hasty', ...route },
      { path: '/api', ...route },
    ];
    const gateway = await startGateway({ listen, admin, introspection, issuers, routes, ...lane });
    const ask = (token: string, path = '/api') => fetch(gateway.url + path, { headers: headersOf(token) });
    expect(await readMetrics(gateway)).toMatchObject({ breaker_state: 0, flights_joined_total: 0 });
    for (const token of ['good', 'good', 'good', 'inactive', 'failing', 'html', 'unscoped']) await ask(token);
    await Promise.all(['silent', 'silent', 'silent'].map((token) => ask(token, '/hasty')));
    expect(server.calls).toHaveLength(6);
    await fetch(`${gateway.url}/api`);
    await fetch(`${gateway.url}/nowhere`);
    const metrics = await readMetrics(gateway);
    expect(metrics).toMatchObject({
      'introspections_total{outcome="active",code=""}': 2,
      'introspections_total{outcome="inactive",code=""}': 1,
      'introspections_total{outcome="unknown",code="ERR_STATUS"}': 1,
      'introspections_total{outcome="unknown",code="ERR_MEDIA_TYPE"}': 1,
      'introspections_total{outcome="unknown",code="ERR_TIMEOUT"}': 1,
      'introspection_duration_seconds_count{outcome="active"}': 2,
      'introspection_duration_seconds_bucket{le="+Inf",outcome="unknown"}': 3,
      'cache_hits_total{tier="memory"}': 2,
      cache_misses_total: 8,
      flights_joined_total: 2,
      'refusals_total{code="ERR_INACTIVE"}': 1,
      'refusals_total{code="ERR_INSUFFICIENT_SCOPE"}': 1,
      'refusals_total{code="ERR_NO_TOKEN"}': 1,
      'refusals_total{code="ERR_TIMEOUT"}': 3,
      'requests_total{route="/api",status="200"}': 3,
      'requests_total{route="/api",status="401"}': 2,
      'requests_total{route="/api",status="403"}': 1,
      'requests_total{route="/api",status="502"}': 2,
      'requests_total{route="/hasty",status="504"}': 3,
      'requests_total{route="none",status="404"}': 1,
      'upstream_duration_seconds_count{route="/api"}': 3,
      'upstream_duration_seconds_bucket{le="0.05",route="/api"}': 0,
      'upstream_duration_seconds_bucket{le="+Inf",route="/api"}': 3,
    });
    // what was not waited for any longer is no shorter than that
    expect(metrics['introspection_duration_seconds_bucket{le="0.25",outcome="unknown"}']).toBeLessThan(3);
  });

  describe('a refusal', () => {
    let gateway: RunningGateway;
    beforeAll(async () => {
      const upstream = await startUpstream();
      const { introspection, hastyIntrospection } = await startNamedTokens();
      const route = { upstream: upstream.url, requiredScopes: ['read'] };
      const routes = [
        { path: '/hasty', issuer: 'hasty', ...route },
        { path: '/api', ...route },
      ];
      const issuers = { hasty: hastyIntrospection };
      gateway = await startGateway({ listen, admin, introspection, issuers, routes, ...lane });
    });

    it.each([
      { code: 'ERR_NO_TOKEN', status: 401, token: undefined },
      { code: 'ERR_MALFORMED_TOKEN', status: 400, token: 'a b' },
      { code: 'ERR_TOKEN_TOO_LONG', status: 400, token: 'x'.repeat(4097) },
      { code: 'ERR_INACTIVE', status: 401, token: 'inactive' },
      { code: 'ERR_WRONG_AUDIENCE', status: 401, token: 'foreign' },
      { code: 'ERR_SENDER_CONSTRAINED', status: 401, token: 'with-cnf' },
      { code: 'ERR_INSUFFICIENT_SCOPE', status: 403, token: 'unscoped' },
      { code: 'ERR_STATUS', status: 502, token: 'failing' },
      { code: 'ERR_CREDENTIALS_REFUSED', status: 502, token: 'refusing-us' },
      { code: 'ERR_UNAVAILABLE', status: 503, token: 'busy' },
      { code: 'ERR_TIMEOUT', status: 504, token: 'silent' },
    ])('with $status is one log line that says $code', async ({ token, status, code }) => {
      const route = code === 'ERR_TIMEOUT' ? '/hasty' : '/api';
      const before = gateway.lines.length;
      const refused = () => gateway.lines.slice(before).filter(({ msg }) => msg === 'refused');
      for (const method of ['GET', 'POST']) {
        const headers: Record<string, string> = token === undefined ? {} : headersOf(token);
        expect((await fetch(`${gateway.url}${route}/${method}`, { method, headers })).status).toBe(status);
      }
      await expect.poll(refused).toHaveLength(2);
      const time = expect.any(String);
      const line = { level: 'info', time, msg: 'refused', code, status, route };
      expect(refused()).toEqual([
        { ...line, method: 'GET' },
        { ...line, method: 'POST' },
      ]);
    });
  });

  it('an upstream that fails is one log line that says how', async () => {
    const { introspection } = await startAuthorizationServer();
    const upstream = await startUpstream((asked) => asked.socket.destroy());
    const routes = [{ path: '/api', upstream: upstream.url }];
    const gateway = await startGateway({ listen, introspection, routes, ...lane });
    expect((await fetch(`${gateway.url}/api`, { headers: headersOf('token') })).status).toBe(502);
    const { level, time: _time, ...line } = await gateway.logged('the upstream failed');
    expect([level, line]).toEqual([
      'warn',
      { msg: 'the upstream failed', code: expect.stringMatching(/^[A-Z_]+$/), status: 502, route: '/api' },
    ]);
  });

  it('nothing that it logs, measures or says holds a token, a JWT, a secret or a subject', async () => {
    const upstream = await startUpstream();
    const { introspection, server } = await startAuthorizationServer();
    const jwt = await signJwt(liveClaims);
    const clientAuth = { method: 'client_secret_basic', clientId: 'gateway', clientSecret: canaries.secret };
    const config = {
      listen,
      admin,
      introspection: { ...introspection, clientAuth, timeoutSeconds: 2, audience: liveClaims.aud },
      routes: [
        { path: '/api', upstream: upstream.url },
        { path: '/gone', upstream: 'http://127.0.0.1:9' },
      ],
      forwardAuth: { path: '/authorize' },
      log: { level: 'debug' },
      ...lane,
    };
    const { file, write } = writeConfig(config);
    const gateway = await startGatewayProcess({ file });
    const quoting = `${canaries.token} ${canaries.secret} ${jwt}`;
    const answers = [
      reply(200, jwtType, jwt),
      noContent(),
      reply(
        400,
        { 'Content-Type': 'text/plain', 'WWW-Authenticate': `Basic realm="${canaries.secret}"` },
        quoting,
      ),
      reply(401, { 'Content-Type': 'text/plain' }, quoting),
      reply(200, { 'Content-Type': 'text/html' }, quoting),
      reply(200, jwtType, `${jwt}.${jwt}`),
      json({ active: true, sub: canaries.subject, error: quoting }),
      status(302, { Location: `http://127.0.0.1:9/${canaries.token}` }),
      neverAnswer(),
    ];
    let turn = 0;
    let bodies = '';
    for (const answer of answers) {
      server.answer(answer);
      const token = `${canaries.token.replace(/=+$/, '')}${turn++}`;
      const sent = [`Authorization: Bearer ${token}`];
      for (const bytes of [
        format('GET', `/api?access_token=${token}`, sent),
        format('POST', '/api', [...sent, 'Content-Length: 0']),
        format('GET', '/gone', sent),
        format('GET', '/api', [...sent, ...sent]),
        format('GET', `/api/%2e%2e/${token}`, sent),
        format('GET', '/api', [`Authorization: Bearer ${token}"`]),
        format('GET', '/api', [`Authorization: ${token}`]),
        format('GET', '/api', [...sent, 'Connection: Upgrade', 'Upgrade: websocket']),
        format('GET', '/authorize', [...sent, `X-Original-URL: /${token}`]),
        `GET /${token} HTTP/9.9\r\nHost: ${token}\r\n\r\n`,
      ]) {
        const received = await exchange(gateway.url, bytes);
        // those that passed are the upstream's words, and forward auth's very purpose
        if (received?.status !== 200) bodies += JSON.stringify(received);
      }
    }
    const bad = { ...clientAuth, clientSecret: [canaries.secret], clientId: 7 };
    write({
      ...config,
      introspection: { ...config.introspection, clientAuth: bad, [canaries.token]: canaries.secret },
    });
    gateway.process.kill('SIGHUP');
    await gateway.logged('the configuration was not reloaded; going on with the old one');
    const logged = JSON.stringify(
      gateway.lines.filter(({ msg }) => !msg.startsWith('the configuration was not')),
    );
    expect(gateway.lines.filter(({ msg }) => msg === 'refused').length).toBeGreaterThan(20);
    for (const said of [logged, gateway.errors, bodies, await gateway.metrics()]) {
      for (const canary of ['CANARY', canaries.jwt, jwt.slice(0, 20), jwt.slice(-20), 'eyJ'])
        expect(said).not.toContain(canary);
      expect(said).not.toContain(Buffer.from(`gateway:${canaries.secret}`).toString('base64'));
    }
    // a name that nobody knows is said, what it holds is not
    const { reason } = await gateway.logged('the configuration was not reloaded; going on with the old one');
    expect(reason).not.toContain(canaries.secret);
  });
});

describe('an OpenTelemetry SDK', () => {
  it('reads the same numbers as Prometheus', async () => {
    const upstream = await startUpstream();
    const { introspection } = await startAuthorizationServer();
    vi.stubEnv('NODE_OPTIONS', `--import ${new URL('./telemetry.mjs', import.meta.url)}`);
    const routes = [{ path: '/api', upstream: upstream.url }];
    const gateway = await startGatewayProcess({ listen, admin, introspection, routes });
    vi.unstubAllEnvs();
    for (let count = 0; count < 3; count++)
      await fetch(`${gateway.url}/api`, { headers: headersOf('token') });
    await fetch(`${gateway.url}/api`);
    const latest = () => gateway.lines.findLast(({ msg }) => msg === 'metrics')?.values;
    const route = '/api';
    await expect.poll(latest).toEqual(
      expect.arrayContaining([
        ['phantom_token_requests_total', { route, status: '200' }, 3],
        ['phantom_token_requests_total', { route, status: '401' }, 1],
        ['phantom_token_refusals_total', { code: 'ERR_NO_TOKEN' }, 1],
        ['phantom_token_cache_hits_total', { tier: 'memory' }, 2],
        ['phantom_token_upstream_duration_seconds_count', { route }, 3],
        ['phantom_token_upstream_duration_seconds_bucket', { le: '+Inf', route }, 3],
        ['phantom_token_breaker_state', {}, 0],
      ]),
    );
  });
});

describe('a trace', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parentId = 'b7ad6b7169203331';
  const traceparent = `00-${traceId}-${parentId}-01`;

  /** One route for each test, whose spans have its name. */
  async function start(run: typeof startGatewayProcess | typeof startGateway, lane: object = {}) {
    const upstream = await startUpstream();
    const authorizationServer = await startAuthorizationServer();
    const { introspection } = authorizationServer;
    const paths = ['/api', '/new', '/refused', '/unanswered', '/left'];
    const routes = paths.map((path) => ({ path, upstream: upstream.url }));
    const gateway: RunningGateway = await run({ listen, admin, introspection, routes, ...lane });
    return { gateway, upstream, ...authorizationServer };
  }

  it.each([{ fastLane: true }, { fastLane: false }])(
    'goes on as it came without an SDK, with %s',
    async (lane) => {
      const { gateway, upstream } = await start(startGateway, lane);
      const headers = { ...headersOf('token'), traceparent, tracestate: 'vendor=value' };
      for (const method of ['GET', 'POST']) await fetch(`${gateway.url}/api`, { method, headers });
      await fetch(`${gateway.url}/api`, { headers: headersOf('token') });
      expect(upstream.requests.map(({ headers }) => [headers.traceparent, headers.tracestate])).toEqual([
        [traceparent, 'vendor=value'],
        [traceparent, 'vendor=value'],
        [undefined, undefined],
      ]);
    },
  );

  describe('with an SDK', () => {
    let traced: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      vi.stubEnv('NODE_OPTIONS', `--import ${new URL('./telemetry.mjs', import.meta.url)}`);
      traced = await start(startGatewayProcess);
      vi.unstubAllEnvs();
    });

    /** The requests that came for a route. */
    const forwarded = (route: string) => traced.upstream.requests.filter(({ url }) => url === route);

    it('has a span of each request, whose context is what the upstream gets', async () => {
      const { gateway } = traced;
      for (const method of ['GET', 'POST'])
        await fetch(`${gateway.url}/api`, { method, headers: { ...headersOf('token'), traceparent } });
      const [get, post] = [await gateway.logged('GET /api'), await gateway.logged('POST /api')];
      expect(get).toMatchObject({
        traceId,
        parentId,
        kind: 1,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/api',
          'http.response.status_code': 200,
        },
      });
      expect(forwarded('/api').map(({ headersDistinct }) => headersDistinct.traceparent)).toEqual(
        [get, post].map(({ spanId }) => [`00-${traceId}-${spanId}-01`]),
      );
      expect(get.spanId).not.toBe(parentId);
    });

    it('begins with the gateway where the client has none', async () => {
      const { gateway } = traced;
      await fetch(`${gateway.url}/new`, { headers: headersOf('token') });
      const { traceId: own, spanId, parentId: none } = await gateway.logged('GET /new');
      expect(none).toBeUndefined();
      expect(forwarded('/new').map(({ headers }) => headers.traceparent)).toEqual([`00-${own}-${spanId}-01`]);
    });

    it.each([
      ['refused', 401, 'ERR_INACTIVE', undefined],
      ['unanswered', 502, 'ERR_STATUS', 2],
    ])('says why a request was %s', async (name, code, reason, spanStatus) => {
      const { gateway, server } = traced;
      server.answer(code === 401 ? noContent() : status(500));
      await fetch(`${gateway.url}/${name}`, { headers: headersOf(name) });
      expect(await gateway.logged(`GET /${name}`)).toMatchObject({
        ...(spanStatus === undefined ? {} : { status: spanStatus }),
        attributes: { 'http.response.status_code': code, 'error.type': reason },
      });
    });

    it('has an end where the client left while its token was asked about', async () => {
      const { gateway, server, jwt } = traced;
      const gate = createGate();
      server.answer(gate.hold(reply(200, jwtType, jwt)));
      const leaving = new AbortController();
      const before = server.calls.length;
      const asked = fetch(`${gateway.url}/left`, { headers: headersOf('left'), signal: leaving.signal });
      await server.called(before + 1);
      leaving.abort();
      await expect(asked).rejects.toThrow();
      // heard after the leave
      await fetch(`${gateway.url}/left`);
      gate.open();
      await expect
        .poll(() =>
          gateway.lines.filter(({ msg }) => msg === 'GET /left').map(({ attributes }) => attributes),
        )
        .toContainEqual(expect.objectContaining({ 'http.response.status_code': 499 }));
      expect(forwarded('/left')).toEqual([]);
    });
  });
});
