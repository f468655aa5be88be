import { createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { jsonAnswer, startServer, statusAnswer } from '../test/authorization-server.js';
import { exchangeHttp, type Fetch } from './http-exchange.js';

const maxResponseBytes = 1000;

function exchange(url: string, options: { fetch?: Fetch; signal?: AbortSignal } = {}) {
  const signal = options.signal ?? new AbortController().signal;
  const ownFetch: Fetch = options.fetch ?? ((input, init) => fetch(input, init));
  let built = 0;
  const build = () => {
    built++;
    return {
      url,
      method: 'POST' as const,
      headers: new Headers({ 'X-Attempt': String(built) }),
      body: 'token=t',
    };
  };
  const answer = exchangeHttp(build, { fetch: ownFetch, signal, maxResponseBytes });
  return { answer, built: () => built };
}

/** A server that answers each connection with bytes of our choice. */
async function startRawServer(connected: (socket: Socket, count: number) => void) {
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => connected(socket, ++count));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/`, count: () => count };
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const unknown = (code: string, more: object = {}) =>
  expect.objectContaining({ name: 'IntrospectionError', code, status: 502, ...more });

afterEach(() => vi.unstubAllGlobals());

describe('exchangeHttp', () => {
  it('returns status, headers and body', async () => {
    const server = await startServer(jsonAnswer({ a: 'é' }, { 'X-One': '1' }));
    const answer = await exchange(server.endpoint).answer;
    expect(answer).toMatchObject({ status: 200, body: '{"a":"é"}' });
    expect(answer.headers.get('x-one')).toBe('1');
  });

  it('reads no body of other statuses', async () => {
    const server = await startServer((response) => response.writeHead(500).end('secrets of the server'));
    expect(await exchange(server.endpoint).answer).toMatchObject({ status: 500, body: '' });
    server.answer = statusAnswer(204);
    expect(await exchange(server.endpoint).answer).toMatchObject({ status: 204, body: '' });
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const server = await startServer(statusAnswer(status, { Location: '/elsewhere' }));
    expect((await exchange(server.endpoint).answer).status).toBe(status);
    expect(server.calls).toHaveLength(1);
  });

  it('decodes an honest gzip and caps what comes out of it', async () => {
    const server = await startServer((response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('x'.repeat(maxResponseBytes))),
    );
    expect((await exchange(server.endpoint).answer).body).toHaveLength(maxResponseBytes);
    server.answer = (response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('x'.repeat(10_000_000)));
    await expect(exchange(server.endpoint).answer).rejects.toThrow(unknown('ERR_TOO_LARGE'));
  });

  it('refuses what is encoded more than once', async () => {
    const server = await startServer((response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip, gzip' }).end(gzipSync(gzipSync('{}'))),
    );
    await expect(exchange(server.endpoint).answer).rejects.toThrow(unknown('ERR_MALFORMED'));
  });

  it('decodes what a runtime leaves to us, under the same cap', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Deno/2.9.5' });
    const undecoded = (text: string) => async () =>
      new Response(gzipSync(text), { headers: { 'Content-Encoding': 'gzip' } });
    const answer = (text: string) => exchange('http://127.0.0.1:1/', { fetch: undecoded(text) }).answer;
    expect((await answer('{"active":true}')).body).toBe('{"active":true}');
    await expect(answer('x'.repeat(1_000_000))).rejects.toThrow(unknown('ERR_TOO_LARGE'));
    const broken: Fetch = async () =>
      new Response(gzipSync('x').subarray(0, 15), { headers: { 'Content-Encoding': 'gzip' } });
    await expect(exchange('http://127.0.0.1:1/', { fetch: broken }).answer).rejects.toThrow(
      unknown('ERR_INCOMPLETE'),
    );
  });

  it('counts bytes, not characters', async () => {
    const server = await startServer((response) =>
      response.writeHead(200).end('é'.repeat(maxResponseBytes / 2)),
    );
    expect((await exchange(server.endpoint).answer).body).toHaveLength(maxResponseBytes / 2);
    server.answer = (response) => response.writeHead(200).end(`${'é'.repeat(maxResponseBytes / 2)}x`);
    await expect(exchange(server.endpoint).answer).rejects.toThrow(unknown('ERR_TOO_LARGE'));
  });

  it.each([Buffer.from([0x61, 0xff]), Buffer.from([0xc3])])(
    'refuses what is not UTF-8: %j',
    async (bytes) => {
      const server = await startServer((response) => response.writeHead(200).end(bytes));
      await expect(exchange(server.endpoint).answer).rejects.toThrow(unknown('ERR_MALFORMED'));
    },
  );

  it.each([
    ['shorter than announced', `${ok}Content-Length: 50\r\n\r\n{"active":true}`],
    ['without its last chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n4\r\n{"ac\r\n`],
  ])('refuses an answer %s', async (_title, bytes) => {
    const server = await startRawServer((socket) => socket.end(bytes));
    await expect(exchange(server.url).answer).rejects.toThrow(unknown('ERR_INCOMPLETE'));
    expect(server.count()).toBe(1);
  });

  it('tries once more when the connection died before an answer began', async () => {
    const server = await startRawServer((socket, count) =>
      count === 1 ? socket.destroy() : socket.end(`${ok}Content-Length: 2\r\n\r\n{}`),
    );
    expect((await exchange(server.url).answer).body).toBe('{}');
    expect(server.count()).toBe(2);
  });

  it('makes a new request for the second try, unless the runtime repeats the old one itself', async () => {
    const died = () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
    for (const [userAgent, times] of [
      ['Node.js/22', 2],
      ['Deno/2.9.5', 1],
    ] as const) {
      vi.stubGlobal('navigator', { userAgent });
      const attempt = exchange('http://127.0.0.1:1/', { fetch: died });
      await expect(attempt.answer).rejects.toThrow(unknown('ERR_UNREACHABLE'));
      expect(attempt.built()).toBe(times);
    }
  });

  it('tries no third time', async () => {
    const server = await startRawServer((socket) => socket.destroy());
    await expect(exchange(server.url).answer).rejects.toThrow(unknown('ERR_UNREACHABLE'));
    expect(server.count()).toBe(2);
  });

  it('does not repeat what was answered with nonsense', async () => {
    const calledOff = new AbortController();
    const server = await startRawServer((socket) => {
      socket.write('NONSENSE\r\n\r\n');
      // not every runtime sees at once that this is not HTTP
      setTimeout(() => calledOff.abort(), 500);
    });
    const { answer } = exchange(server.url, { signal: calledOff.signal });
    await expect(answer).rejects.toThrow(unknown('ERR_UNREACHABLE'));
    expect(server.count()).toBe(1);
  });

  it('says why there was no connection, and nothing else', async () => {
    const refused = Object.assign(new TypeError('fetch failed for token=t'), {
      cause: Object.assign(new Error('token=t'), { code: 'ECONNREFUSED' }),
    });
    const error = await exchange('http://127.0.0.1:1/', {
      fetch: () => Promise.reject(refused),
    }).answer.catch((it) => it);
    expect(error).toEqual(unknown('ERR_UNREACHABLE', { message: expect.stringContaining('ECONNREFUSED') }));
    expect(error.message).not.toContain('token=t');
    expect(error.cause).toBeUndefined();
  });

  it.each([
    ['a code that is none', Object.assign(new Error('x'), { code: 'token=t, not a code' })],
    ['no error at all', 'token=t'],
  ])('quotes nothing from %s', async (_title, thrown) => {
    const error = await exchange('http://127.0.0.1:1/', { fetch: () => Promise.reject(thrown) }).answer.catch(
      (it) => it,
    );
    expect(error.message).toBe('the authorization server could not be reached (no answer)');
  });

  it('tries no second time when it was called off', async () => {
    const controller = new AbortController();
    const dying: Fetch = () => {
      controller.abort();
      return Promise.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
    };
    const attempt = exchange('http://127.0.0.1:1/', { fetch: dying, signal: controller.signal });
    await expect(attempt.answer).rejects.toThrow(unknown('ERR_UNREACHABLE'));
    expect(attempt.built()).toBe(1);
  });

  it('survives bodies that cannot be cancelled', async () => {
    const stuck = (status: number) =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(maxResponseBytes + 1)),
          cancel: () => Promise.reject(new Error('no')),
        }),
        { status },
      );
    expect((await exchange('http://127.0.0.1:1/', { fetch: async () => stuck(500) }).answer).status).toBe(
      500,
    );
    await expect(exchange('http://127.0.0.1:1/', { fetch: async () => stuck(200) }).answer).rejects.toThrow(
      unknown('ERR_TOO_LARGE'),
    );
  });
});
