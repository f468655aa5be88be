import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { sendRequest } from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { openH2, startRaw } from './raw-servers.js';
import { startProxy } from './servers.js';

const say = (...bytes: string[]) => startRaw((socket) => socket.write(bytes.join(''), 'latin1'));
const head = (line: string, ...fields: string[]) => `HTTP/1.1 ${[line, ...fields, '', ''].join('\r\n')}`;

async function askH2(session: ClientHttp2Session, fields: OutgoingHttpHeaders = {}) {
  const stream = session.request(fields);
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (them) => {
    trailers = them;
  });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { headers, body: await text(stream), trailers };
}

describe('an answer whose head Node refuses to write', () => {
  it.each([
    ['ISO 8859-1', 'D\xe9j\xe0'],
    ['UTF-8', Buffer.from('成功').toString('latin1')],
  ])('comes without a reason phrase in %s', async (_coding, reason) => {
    const upstream = await say(head(`200 ${reason}`, 'Content-Length: 2'), 'ok');
    const { text } = await sendRequest((await startProxy({ upstream })).url).response;
    expect(text).toMatch(/^HTTP\/1\.1 200 \r\n/);
    expect(text).toMatch(/ok$/);
  });

  it.each(['X-Content-Type-Options', 'Location', 'ETag', 'Content-Type', 'Date'])(
    'has the first %s of several in HTTP/2',
    async (name) => {
      const upstream = await say(head('200 OK', `${name}: a`, `${name}: b`, 'Content-Length: 2'), 'ok');
      const { headers, body } = await askH2(await openH2({ upstream }));
      expect(headers).toMatchObject({ ':status': 200, [name.toLowerCase()]: 'a' });
      expect(body).toBe('ok');
    },
  );

  it('has lists as one field, and cookies as several, in HTTP/2', async () => {
    const coding = ['Content-Encoding: a', 'Content-Encoding: b'];
    const upstream = await say(
      head(
        '200 OK',
        ...coding,
        'Set-Cookie: c=1',
        'Set-Cookie: d=2',
        'Vary: e',
        'Vary: f',
        'Content-Length: 0',
      ),
    );
    const { headers } = await askH2(await openH2({ upstream }));
    expect(headers).toMatchObject({
      'content-encoding': 'a, b',
      'set-cookie': ['c=1', 'd=2'],
      vary: 'e, f',
    });
  });

  it('is 502, and reported as such, where its status is none in HTTP/2', async () => {
    const upstream = await say(head('999 Odd', 'Content-Length: 2', 'X-Odd: 1'), 'ok');
    const onOutcome = vi.fn();
    const { headers, body } = await askH2(await openH2({ upstream }, { onOutcome }));
    expect(headers[':status']).toBe(502);
    expect(headers).not.toHaveProperty('x-odd');
    expect(JSON.parse(body)).toMatchObject({ error: 'server_error' });
    expect(onOutcome.mock.calls).toMatchObject([[{ status: 502, error: 'ERR_MALFORMED_RESPONSE' }]]);
  });

  it('is 502 where a field of our own is none', async () => {
    const upstream = await say(head('200 OK', 'Content-Length: 2', 'Content-Encoding: gzip'), 'ok');
    const proxy = await startProxy({ upstream }, { responseFields: ['X-Bad', 'a\nb'] });
    const response = await sendRequest(proxy.url).response;
    expect(response.status).toBe(502);
    expect(response.header('Content-Encoding')).toBeUndefined();
  });

  it('is 502 with a transfer coding beside chunked', async () => {
    const upstream = await say(head('200 OK', 'Transfer-Encoding: gzip, chunked'), '2\r\nok\r\n0\r\n\r\n');
    expect((await sendRequest((await startProxy({ upstream })).url).response).status).toBe(502);
  });

  it('may be as large as 64 KiB', async () => {
    const upstream = await say(head('200 OK', `X-Large: ${'x'.repeat(60_000)}`, 'Content-Length: 2'), 'ok');
    const { headers } = await fetchHead((await startProxy({ upstream })).url);
    expect(headers['x-large']).toHaveLength(60_000);
  });
});

/** Beyond what a client of Node's takes by itself. */
async function fetchHead(url: string) {
  const { request } = await import('node:http');
  const asked = request(url, { maxHeaderSize: 100_000 }).end();
  const [response] = await once(asked, 'response');
  response.resume();
  return response;
}

describe('HTTP/2', () => {
  it('has the trailers of the upstream, without those that must not be any', async () => {
    const upstream = await say(
      head('200 OK', 'Transfer-Encoding: chunked', 'Trailer: Grpc-Status'),
      '2\r\nhi\r\n0\r\nGrpc-Status: 0\r\nX-Sum: 7\r\nX-Sum: 8\r\nSet-Cookie: late=1\r\n\r\n',
    );
    const { body, trailers } = await askH2(await openH2({ upstream }));
    expect(body).toBe('hi');
    expect(trailers).toMatchObject({ 'grpc-status': '0', 'x-sum': '7, 8' });
    expect(trailers).not.toHaveProperty('set-cookie');
  });

  it('has its crumbs of a cookie joined for the upstream', async () => {
    let seen = '';
    const upstream = await startRaw((socket, received) => {
      seen = received;
      socket.write(head('200 OK', 'Content-Length: 0'));
    });
    await askH2(await openH2({ upstream }), { cookie: ['a=1', 'b=2', 'c=3'] });
    expect(seen.match(/^cookie: .*$/gim)).toEqual(['cookie: a=1; b=2; c=3']);
  });
});

describe('an upstream that breaks off', () => {
  it('is told of once, behind how the answer began', async () => {
    const upstream = await startRaw((socket) =>
      socket.write(`${head('200 OK', 'Content-Length: 10')}half`, () => setImmediate(() => socket.destroy())),
    );
    const [onOutcome, onBreak] = [vi.fn(), vi.fn()];
    const proxy = await startProxy({ upstream }, { onOutcome, onBreak });
    await expect(sendRequest(proxy.url).response).rejects.toThrow();
    await expect.poll(() => onBreak.mock.calls).toEqual([[expect.stringMatching(/^[A-Z_]+$/)]]);
    expect(onOutcome.mock.calls).toMatchObject([[{ status: 200 }]]);
  });
});
