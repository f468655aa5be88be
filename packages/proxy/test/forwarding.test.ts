import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { sendBytes, sendRequest } from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { createForwarder } from '../src/index.js';
import { type Seen, start, startMirror, startProxy } from './servers.js';

const ask = async (url: string, fields: readonly (readonly [string, string])[], rest = {}): Promise<Seen> =>
  JSON.parse((await sendRequest(url, { fields, ...rest }).response).body);

describe('what the upstream sees', () => {
  it('is method, path, query, fields and body as they came', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url });
    const seen = await ask(
      proxy.url,
      [
        ['X-A', '1'],
        ['x-a', '2'],
      ],
      { method: 'PUT', target: '/a%2Fb?c=%20d', body: 'hello' },
    );
    expect(seen).toMatchObject({ method: 'PUT', url: '/a%2Fb?c=%20d', body: 'hello' });
    expect(seen.fields['x-a']).toEqual(['1', '2']);
    expect(seen.fields['content-length']).toEqual(['5']);
  });

  it('has the path of the upstream in front', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: `${mirror.url}/base/` });
    expect((await ask(proxy.url, [], { target: '/x?y' })).url).toBe('/base/x?y');
  });

  it.each([
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Authorization', 'Basic x'],
    ['Proxy-Connection', 'close'],
    ['TE', 'trailers'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
    ['Trailer', 'X-Late'],
  ])('holds no %s', async (name, value) => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url });
    expect((await ask(proxy.url, [[name, value]])).fields).not.toHaveProperty(name.toLowerCase());
  });

  it('holds nothing that the client nominates in Connection, and all that we add', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url }, { authorization: 'Bearer jwt' });
    const { fields } = await ask(proxy.url, [
      ['Connection', 'authorization, X-Forwarded-For,x-user-id , close'],
      ['Authorization', 'Bearer opaque'],
      ['X-User-Id', 'root'],
    ]);
    expect(fields.authorization).toEqual(['Bearer jwt']);
    expect(fields['x-forwarded-for']).toEqual(['127.0.0.1']);
    expect(fields).not.toHaveProperty('x-user-id');
  });

  it('has our Authorization in the place of all that were sent, and no proof of the presented token', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url }, { authorization: 'Bearer jwt' });
    const { fields } = await ask(proxy.url, [
      ['AUTHORIZATION', 'Bearer opaque'],
      ['DPoP', 'proof'],
    ]);
    expect(fields.authorization).toEqual(['Bearer jwt']);
    expect(fields).not.toHaveProperty('dpop');
  });

  it.each(['X-User', 'x_user', 'X.User', 'x-USER'])('holds no reserved field spelled %s', async (name) => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url, reservedHeaders: ['X-User'] });
    expect((await ask(proxy.url, [[name, 'root']])).fields).not.toHaveProperty(name.toLowerCase());
  });

  it('has our further fields in the place of every spelling of them', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url }, { fields: ['x-sub', 'alice'] });
    const { fields } = await ask(proxy.url, [
      ['X_Sub', 'root'],
      ['X-Sub', 'root'],
    ]);
    expect(fields['x-sub']).toEqual(['alice']);
    expect(fields).not.toHaveProperty('x_sub');
  });

  it('holds nothing of what an untrusted client says about forwarding', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url });
    const { fields } = await ask(proxy.url, [
      ['X-Forwarded-For', '6.6.6.6'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Prefix', '/evil'],
      ['Forwarded', 'for=6.6.6.6'],
      ['X-Real-IP', '6.6.6.6'],
    ]);
    expect(fields).toMatchObject({
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': [new URL(proxy.url).host],
    });
    for (const name of ['forwarded', 'x-real-ip', 'x-forwarded-prefix'])
      expect(fields).not.toHaveProperty(name);
  });

  it('continues what a trusted proxy says about forwarding', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url, trustedProxies: ['127.0.0.0/8'] });
    const { fields } = await ask(proxy.url, [
      ['X-Forwarded-For', '10.1.1.1'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'shop.example'],
      ['Forwarded', 'for=10.1.1.1'],
    ]);
    expect(fields).toMatchObject({
      'x-forwarded-for': ['10.1.1.1, 127.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['shop.example'],
      forwarded: ['for=10.1.1.1'],
    });
  });

  it('names its own host, or the one that the client named where so configured', async () => {
    const mirror = await startMirror();
    const [own, kept] = [
      await startProxy({ upstream: mirror.url }),
      await startProxy({ upstream: mirror.url, preserveHost: true }),
    ];
    expect((await ask(own.url, [])).fields.host).toEqual([new URL(mirror.url).host]);
    expect((await ask(kept.url, [])).fields.host).toEqual([new URL(kept.url).host]);
  });

  it('does not include what came as a trailer', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url });
    const bytes =
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-User\r\n\r\n2\r\nhi\r\n0\r\nX-User: root\r\n\r\n';
    const seen: Seen = JSON.parse((await sendBytes(proxy.url, bytes).response).body);
    expect(seen.body).toBe('hi');
    expect(JSON.stringify(seen.fields)).not.toContain('root');
  });
});

describe('what the client gets', () => {
  it('is status, reason, repeated fields and body of the upstream', async () => {
    const upstream = await start((_request, response) => {
      response
        .writeHead(
          207,
          'Odd',
          [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['X-Odd', '\xe9'],
          ].flat(),
        )
        .end('body');
    });
    const { text } = await sendRequest((await startProxy({ upstream: upstream.url })).url).response;
    expect(text).toMatch(/^HTTP\/1\.1 207 Odd\r\n/);
    expect(text).toMatch(/Set-Cookie: a=1\r\n/);
    expect(text).toMatch(/Set-Cookie: b=2\r\n/);
    expect(text).toContain('X-Odd: \xe9');
    expect(text).toMatch(/body/);
  });

  it('holds nothing that the upstream meant for us', async () => {
    const upstream = await start((_request, response) => {
      response
        .writeHead(200, {
          Connection: 'x-secret, keep-alive',
          'X-Secret': '1',
          'Keep-Alive': 'timeout=9',
          'Proxy-Authenticate': 'Basic',
        })
        .end();
    });
    const { text } = await sendRequest((await startProxy({ upstream: upstream.url })).url).response;
    expect(text).not.toMatch(/x-secret|timeout=9|proxy-authenticate/i);
  });

  it('is a redirect, where the upstream redirects', async () => {
    let hits = 0;
    const upstream = await start((_request, response) => {
      hits++;
      response.writeHead(302, { Location: '/elsewhere' }).end();
    });
    const response = await sendRequest((await startProxy({ upstream: upstream.url })).url).response;
    expect(response.status).toBe(302);
    expect(response.header('Location')).toBe('/elsewhere');
    expect(hits).toBe(1);
  });

  it('is the head alone for HEAD', async () => {
    const upstream = await start((_request, response) =>
      response.writeHead(200, { 'Content-Length': '5' }).end(),
    );
    const response = await sendRequest((await startProxy({ upstream: upstream.url })).url, { method: 'HEAD' })
      .response;
    expect(response).toMatchObject({ status: 200, body: '' });
    expect(response.header('Content-Length')).toBe('5');
  });

  it('has the trailers of the upstream, without those that must not be any', async () => {
    const upstream = await start((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('x');
      response.addTrailers({ 'X-Sum': '7', 'Set-Cookie': 'late=1' });
      response.end();
    });
    const { text } = await sendRequest((await startProxy({ upstream: upstream.url })).url).response;
    expect(text).toMatch(/\r\nX-Sum: 7\r\n/i);
    expect(text).not.toContain('late=1');
  });

  it('comes event by event', async () => {
    const events: (() => void)[] = [];
    const upstream = await start((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      events.push(
        () => response.write('data: 1\n\n'),
        () => response.end('data: 2\n\n'),
      );
      response.flushHeaders();
    });
    const response = await fetch((await startProxy({ upstream: upstream.url })).url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
    events[0]?.();
    expect(await next()).toBe('data: 1\n\n');
    events[1]?.();
    expect(await next()).toBe('data: 2\n\n');
  });
});

describe('what goes wrong', () => {
  it('is 502 when nobody listens', async () => {
    const closed = await start(() => {});
    await new Promise((resolve) => closed.server.close(resolve));
    const onOutcome = vi.fn();
    const response = await sendRequest((await startProxy({ upstream: closed.url }, { onOutcome })).url)
      .response;
    expect(response).toMatchObject({
      status: 502,
      body: '{"error":"server_error","error_description":"the upstream gave no usable answer"}',
    });
    expect(onOutcome).toHaveBeenCalledOnce();
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject({ status: 502, error: 'ECONNREFUSED' });
  });

  it('is 504 when the upstream does not answer in time', async () => {
    const upstream = await start(() => {});
    const proxy = await startProxy({ upstream: upstream.url, timeoutSeconds: 0.1 });
    expect((await sendRequest(proxy.url).response).status).toBe(504);
  });

  it('is 502 when the upstream hangs up without a word, after one more try where that is safe', async () => {
    const methods: string[] = [];
    const upstream = await start((request) => {
      methods.push(request.method as string);
      request.socket.destroy();
    });
    const proxy = await startProxy({ upstream: upstream.url });
    expect((await sendRequest(proxy.url).response).status).toBe(502);
    expect((await sendRequest(proxy.url, { method: 'POST', body: 'x' }).response).status).toBe(502);
    expect(methods).toEqual(['GET', 'GET', 'POST']);
  });

  it('is a broken connection when the upstream breaks off halfway', async () => {
    const upstream = await start((request, response) => {
      response.writeHead(200, { 'Content-Length': '10' }).write('half');
      setImmediate(() => request.socket.destroy());
    });
    await expect(sendRequest((await startProxy({ upstream: upstream.url })).url).response).rejects.toThrow(
      'complete',
    );
  });

  it('is 413 when the body is too large, stated or not, and the connection is closed', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url, maxRequestBytes: 4 });
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    expect((await sendRequest(proxy.url, { method: 'POST', body: 'hello' }).response).status).toBe(413);
    const exchange = sendBytes(proxy.url, chunked);
    expect((await exchange.response).status).toBe(413);
    await exchange.closed;
    expect((await sendRequest(proxy.url, { method: 'POST', body: 'four' }).response).status).toBe(200);
  });

  it('frees the connection to the upstream when the client leaves', async () => {
    let freed = Promise.resolve([] as unknown[]);
    const upstream = await start((request, response) => {
      freed = once(request.socket, 'close');
      response.writeHead(200).write('never ends');
    });
    const proxy = await startProxy({ upstream: upstream.url });
    const request = httpRequest(proxy.url).end();
    await once(request, 'response');
    request.destroy();
    await freed;
  });

  it('answers before the body has come where the upstream does', async () => {
    const upstream = await start((_request, response) => response.writeHead(403).end('no'));
    const proxy = await startProxy({ upstream: upstream.url });
    const request = httpRequest(proxy.url, { method: 'POST', headers: { 'Content-Length': '1000000' } });
    request.on('error', () => {});
    request.write('x');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(403);
    request.destroy();
  });
});

describe('100-continue', () => {
  it('is said before the body is sent', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url });
    const request = httpRequest(proxy.url, {
      method: 'POST',
      headers: { Expect: '100-continue', 'Content-Length': '2' },
    });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('ok');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const seen: Seen = JSON.parse((await response.toArray()).join(''));
    expect(seen.body).toBe('ok');
    expect(seen.fields).not.toHaveProperty('expect');
  });
});

describe('an upgrade', () => {
  const shake = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it('ties both sides together until one leaves', async () => {
    const upstream = await start(() => {});
    upstream.server.on('upgrade', (request, socket, head) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Url: ${request.url}\r\nX-Auth: ${request.headers.authorization}\r\n\r\n`,
      );
      socket.write(head);
      socket.pipe(socket);
      socket.on('error', () => {});
    });
    const proxy = await startProxy({ upstream: upstream.url }, { authorization: 'Bearer jwt' });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    let received = '';
    client.on('data', (chunk) => {
      received += chunk;
    });
    client.write(`${shake}early`);
    await expect.poll(() => received).toMatch(/\r\n\r\nearly$/);
    expect(received).toMatch(/^HTTP\/1\.1 101 /);
    expect(received).toMatch(/X-Url: \/chat\r\n/);
    expect(received).toMatch(/X-Auth: Bearer jwt\r\n/);
    client.write(' and late');
    await expect.poll(() => received).toMatch(/early and late$/);
    client.destroy();
    await expect.poll(() => upstream.open()).toBe(0);
  });

  it('is answered like any request where the upstream declines', async () => {
    const upstream = await start((_request, response) =>
      response.writeHead(426, { 'X-Why': 'no' }).end('declined'),
    );
    const exchange = sendBytes((await startProxy({ upstream: upstream.url })).url, shake);
    expect(await exchange.response).toMatchObject({ status: 426, body: 'declined' });
    await exchange.closed;
  });

  it('is 502 when nobody listens', async () => {
    const closed = await start(() => {});
    await new Promise((resolve) => closed.server.close(resolve));
    expect((await sendBytes((await startProxy({ upstream: closed.url })).url, shake).response).status).toBe(
      502,
    );
  });
});

describe('options', () => {
  it.each([
    [{ upstream: 'ftp://x' }, 'upstream'],
    [{ upstream: 'http://x/?q' }, 'upstream'],
    [{ upstream: 'http://x', trustedProxies: ['nobody'] }, 'trustedProxies'],
    [{ upstream: 'http://x', trustedProxies: ['10.0.0.0/33'] }, 'trustedProxies'],
    [{ upstream: 'http://x', timeoutSeconds: -1 }, 'timeoutSeconds'],
    [{ upstream: 'http://x', idleTimeoutSeconds: 2_147_484 }, 'idleTimeoutSeconds'],
    [{ upstream: 'http://x', maxConnections: 0 }, 'maxConnections'],
    [{ upstream: 'http://x', timeout: 1 }, 'timeout'],
  ])('%j are refused by name', (options, name) => {
    expect(() => createForwarder(options)).toThrow(new RegExp(`TypeError|${name}`));
    expect(() => createForwarder(options)).toThrow(name);
  });
});
