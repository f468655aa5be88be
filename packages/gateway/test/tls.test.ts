import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { choose, createGate, noContent, reply } from '@phantom-token/conformance';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFrameConnection, statusOf } from './h2-frames.js';
import { answerOf, askH2, ca, openSession, startTlsGateway } from './tls-stage.js';

/** A request in HTTP/1.1, and what it is answered. */
async function askH1(url: string, headers: Record<string, string | string[]>, method = 'GET', body?: string) {
  const asked = request(url, { ca, method, headers, agent: new Agent({ maxCachedSessions: 0 }) });
  asked.end(body);
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

/** One gateway for all that leave it as it was. What reached whom is counted anew for each. */
let stage: Awaited<ReturnType<typeof startTlsGateway>>;
let reached: () => { upstream: number; server: number };
beforeAll(async () => {
  stage = await startTlsGateway();
  const good = reply(200, { 'Content-Type': 'application/jwt' }, stage.jwt);
  const others = new Map([
    ['bad', noContent()],
    ['unknown', reply(500, {})],
  ]);
  stage.server.answer(choose(({ form }) => others.get(form.get('token') ?? '') ?? good));
});
beforeEach(() => {
  const [asked, called] = [stage.upstream.requests.length, stage.server.calls.length];
  reached = () => ({
    upstream: stage.upstream.requests.length - asked,
    server: stage.server.calls.length - called,
  });
});

const versions = [
  { version: 'HTTP/1.1', ask: (url: string, headers: Record<string, string>) => askH1(url, headers) },
  {
    version: 'HTTP/2',
    ask: (url: string, headers: Record<string, string>) => askH2(openSession(url), headers),
  },
];

describe.each(versions)('$version behind TLS', ({ version, ask }) => {
  it('is what a client gets that asks for it', async () => {
    const { hostname, port } = new URL(stage.gateway.url);
    const protocol = version === 'HTTP/2' ? 'h2' : 'http/1.1';
    const socket = connect({ host: hostname, port: Number(port), ca, ALPNProtocols: [protocol] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(protocol);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    socket.destroy();
  });

  it('sends a request with a good token on, with the JWT in its place', async () => {
    const { gateway, jwt } = stage;
    const { status, body } = await ask(gateway.url, { authorization: 'Bearer token' });
    expect(status).toBe(200);
    const { rawHeaders } = JSON.parse(body);
    const fields = Object.fromEntries(
      rawHeaders.flatMap((name: string, at: number) =>
        at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1]]],
      ),
    );
    expect(fields).toMatchObject({
      authorization: `Bearer ${jwt}`,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': new URL(gateway.url).host,
    });
  });

  it('refuses as without TLS', async () => {
    const refusal = async (headers: Record<string, string>) => {
      const { status, headers: fields } = await ask(stage.gateway.url, headers);
      return `${status} ${fields['www-authenticate']} ${fields['cache-control']}`;
    };
    expect(await refusal({})).toBe('401 Bearer realm="api", scope="read" no-store');
    expect(await refusal({ authorization: 'Bearer a b' })).toMatch(
      /^400 Bearer realm="api", error="invalid_request".* no-store$/,
    );
    expect(await refusal({ authorization: 'Bearer bad' })).toMatch(
      /^401 Bearer realm="api", error="invalid_token".* no-store$/,
    );
    expect(await refusal({ authorization: 'Bearer unknown' })).toBe('502 undefined no-store');
    expect(reached().upstream).toBe(0);
  });
});

describe('HTTP/2', () => {
  it('carries many requests at once over one connection', async () => {
    const session = openSession(stage.gateway.url);
    const answers = await Promise.all(
      Array.from({ length: 90 }, () => askH2(session, { authorization: 'Bearer of-many' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(reached()).toEqual({ upstream: 90, server: 1 });
  });

  it('streams both ways, piece by piece', async () => {
    const { gateway } = await startTlsGateway({}, (request, response) => request.pipe(response));
    const stream = openSession(gateway.url).request({ ':method': 'POST', authorization: 'Bearer token' });
    stream.write('first');
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    for (const piece of ['first', 'second', 'third']) {
      if (piece !== 'first') stream.write(piece);
      expect(String((await once(stream, 'data'))[0])).toBe(piece);
    }
    stream.end();
    await once(stream, 'end');
  });

  const pseudo = (authority: string): [string, string][] => [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', authority],
  ];

  it.each<[string, [string, string][], number]>([
    ['one Authorization', [['authorization', 'Bearer token']], 200],
    [
      'two Authorization fields',
      [
        ['authorization', 'Bearer token'],
        ['authorization', 'Bearer token'],
      ],
      400,
    ],
    [
      'two different ones',
      [
        ['authorization', 'Bearer token'],
        ['authorization', 'Basic eDp5'],
      ],
      400,
    ],
    [
      'the host that :authority names',
      [
        ['authorization', 'Bearer token'],
        ['host', 'api.example'],
      ],
      200,
    ],
    [
      'another host than :authority names',
      [
        ['authorization', 'Bearer token'],
        ['host', 'evil.example'],
      ],
      400,
    ],
  ])('answers a request with %s', async (title, fields, status) => {
    const connection = openFrameConnection(stage.gateway.url, ca);
    // no other request came with this token
    const own = fields.map(([name, value]): [string, string] => [
      name,
      value.replace('token', `token-${title.replaceAll(/\W/g, '-')}`),
    ]);
    connection.ask(1, [...pseudo('api.example'), ...own]);
    expect(statusOf(await connection.frame('headers', 1))).toBe(status);
    const times = status === 200 ? 1 : 0;
    expect(reached()).toEqual({ upstream: times, server: times });
  });

  it('takes no field whose name is not in lower case', async () => {
    const connection = openFrameConnection(stage.gateway.url, ca);
    connection.ask(1, [...pseudo('api.example'), ['Authorization', 'Bearer token']]);
    await Promise.race([connection.frame('reset', 1), connection.frame('goaway')]);
    expect(reached().upstream).toBe(0);
  });

  it('sends nothing on for a client that left while its token was asked about', async () => {
    const { gateway, upstream, server, jwt } = await startTlsGateway();
    const gate = createGate();
    server.answer(gate.hold(reply(200, { 'Content-Type': 'application/jwt' }, jwt)));
    const session = openSession(gateway.url);
    const leaving = session.request({ ':path': '/leaving', authorization: 'Bearer token' });
    const staying = askH2(session, { ':path': '/staying', authorization: 'Bearer token' });
    await server.called(1);
    leaving.close(8);
    await once(leaving, 'close');
    // answered after the other's leave was heard of
    await askH2(session, {});
    gate.open();
    expect((await staying).status).toBe(200);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/staying']);
  });

  it.each(['before', 'after'])(
    'frees the upstream of a client that leaves %s the answer began',
    async (when) => {
      const { gateway, upstream } = await startTlsGateway({}, (_request, response) => {
        if (when === 'after') response.write('first');
      });
      const stream = openSession(gateway.url).request({ authorization: 'Bearer token' });
      if (when === 'after') await once(stream, 'data');
      else await expect.poll(() => upstream.requests).toHaveLength(1);
      stream.close(8);
      await expect.poll(() => upstream.requests[0]?.socket.destroyed).toBe(true);
    },
  );

  it('tells a client by an error that the upstream broke off', async () => {
    const { gateway } = await startTlsGateway({}, (_request, response) => {
      response.write('first', () => response.destroy());
    });
    const session = openSession(gateway.url);
    await expect(answerOf(session.request({ authorization: 'Bearer token' }))).rejects.toThrow();
    expect((await askH2(session, {})).status).toBe(401);
  });
});

describe('TLS', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)(
    'is refused to a client that knows nothing later than %s',
    async (version) => {
      const { hostname, port } = new URL(stage.gateway.url);
      const options = { host: hostname, port: Number(port), ca, minVersion: version, maxVersion: version };
      const socket = connect({ ...options, ciphers: 'DEFAULT:@SECLEVEL=0' });
      const [error] = await once(socket, 'error');
      expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    },
  );

  it('serves TLS 1.2', async () => {
    const { hostname, port } = new URL(stage.gateway.url);
    const socket = connect({ host: hostname, port: Number(port), ca, maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    expect(socket.getProtocol()).toBe('TLSv1.2');
    socket.destroy();
  });
});
