import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { noContent } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startGatewayProcess } from './gateway.js';
import { watchRss } from './process-status.js';
import { format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

/** How much each stream carries: well over what memory may grow by. */
const streamBytes = 3 * 2 ** 26;
/** Enough for the buffers on the way, and for what a garbage collector leaves lying around. */
const flat = 120_000_000;
/** More than all kernels on the way hold back for a connection. */
const held = 50_000_000;
const timeout = 60_000;

const authorization = { Authorization: 'Bearer token' };
const piece = Buffer.alloc(65_536, 'x');

/** So many bytes, made as they are asked for. */
function bytes(count: number): Readable {
  let left = count;
  return new Readable({
    read() {
      const size = Math.min(left, piece.length);
      left -= size;
      this.push(size === 0 ? null : piece.subarray(0, size));
    },
  });
}

/** The same in chunks, as they stand on the wire (RFC 9112 §7.1). */
async function* chunked(stream: Readable) {
  for await (const chunk of stream) {
    yield Buffer.from(`${chunk.length.toString(16)}\r\n`);
    yield chunk;
    yield Buffer.from('\r\n');
  }
  yield Buffer.from('0\r\n\r\n');
}

async function count(stream: Readable): Promise<number> {
  let sum = 0;
  for await (const chunk of stream) sum += chunk.length;
  return sum;
}

async function start(listener: Parameters<typeof startUpstream>[0], more: object = {}) {
  const upstream = await startUpstream(listener);
  const { introspection, server } = await startAuthorizationServer();
  const routes = [{ path: '/', upstream: upstream.url }];
  const gateway = await startGatewayProcess({ listen, introspection, routes, ...more });
  return { gateway, upstream, server };
}

/** Resolves with a count once it stands still. */
async function standstill(read: () => number): Promise<number> {
  let before = -1;
  // one look may tell of a machine that stands still
  for (let looks = 0; looks < 5; looks++) {
    await sleep(300);
    const now = read();
    if (now === 0 || now !== before) looks = 0;
    before = now;
  }
  return before;
}

const framings = [
  { framing: 'its length', fields: { 'Content-Length': String(streamBytes) } },
  { framing: 'chunks', fields: {} },
];

it('sends 5 GB up while 5 GB come down, in flat memory', { timeout: 600_000 }, async () => {
  const most = 5_000_000_000;
  const { gateway } = await start((asked, response) => {
    if (asked.method === 'POST') count(asked).then((sum) => response.end(String(sum)));
    else pipeline(bytes(most), response.writeHead(200, { 'Content-Length': most })).catch(() => {});
  });
  const growth = watchRss(gateway.process.pid);
  const fields = { ...authorization, 'Content-Length': most };
  const upload = request(gateway.url, { method: 'POST', headers: fields });
  const counted = once(upload, 'response').then(async ([answer]) => Number(String(await answer.toArray())));
  const download = once(get(gateway.url, { headers: authorization }), 'response');
  const [, up, down] = await Promise.all([
    pipeline(bytes(most), upload),
    counted,
    download.then(([answer]) => count(answer)),
  ]);
  expect([up, down]).toEqual([most, most]);
  expect(growth()).toBeLessThan(flat);
});

describe.each(framings)(`a body of ${streamBytes} bytes with $framing`, ({ fields }) => {
  it('goes up in flat memory', { timeout }, async () => {
    const { gateway } = await start((asked, response) => {
      count(asked).then((sum) => response.end(String(sum)));
    });
    const growth = watchRss(gateway.process.pid);
    const upload = request(gateway.url, { method: 'POST', headers: { ...authorization, ...fields } });
    const answered = once(upload, 'response');
    await pipeline(bytes(streamBytes), upload);
    const [answer] = await answered;
    expect(String(await answer.toArray())).toBe(String(streamBytes));
    expect(growth()).toBeLessThan(flat);
  });

  it.each([true, false])('comes down in flat memory, with %s for fastLane', { timeout }, async (fastLane) => {
    const { gateway } = await start(
      (_asked, response) => pipeline(bytes(streamBytes), response.writeHead(200, fields)).catch(() => {}),
      { fastLane },
    );
    const growth = watchRss(gateway.process.pid);
    const [answer] = await once(get(gateway.url, { headers: authorization }), 'response');
    expect(await count(answer)).toBe(streamBytes);
    expect(growth()).toBeLessThan(flat);
  });

  it('is not waited for with a bad token, and not kept', { timeout }, async () => {
    const { gateway, server, upstream } = await start(undefined);
    server.answer(noContent());
    const growth = watchRss(gateway.process.pid);
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port) });
    const isChunked = !('Content-Length' in fields);
    const framed = isChunked ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${streamBytes}`];
    socket.write(format('POST', '/', ['Authorization: Bearer token', ...framed]));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 401 /);
    // what it sends all the same is read and dropped: the next request is answered
    const body = bytes(streamBytes);
    await pipeline(isChunked ? Readable.from(chunked(body)) : body, socket, { end: false });
    socket.write(format('POST', '/', ['Authorization: Bearer token', 'Content-Length: 0']));
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 401 /);
    expect(growth()).toBeLessThan(flat);
    expect(upstream.requests).toHaveLength(0);
    socket.destroy();
  });
});

describe('a side that does not read', () => {
  it.each([
    { fastLane: true, framing: 'a length', fields: { 'Content-Length': String(streamBytes) } },
    { fastLane: true, framing: 'chunks', fields: {} },
    { fastLane: false, framing: 'a length', fields: { 'Content-Length': String(streamBytes) } },
    { fastLane: false, framing: 'chunks', fields: {} },
  ])(
    'makes the upstream stop, with $fastLane for fastLane and $framing',
    { timeout },
    async ({ fastLane, fields }) => {
      let written = 0;
      const { gateway } = await start(
        (_asked, response) => {
          const source = bytes(streamBytes);
          source.on('data', (chunk) => {
            written += chunk.length;
          });
          pipeline(source, response.writeHead(200, fields)).catch(() => {});
        },
        // a client may take as long as this with what it was sent, however soon it has to say what it wants
        { fastLane, limits: { headersTimeoutSeconds: 1, keepAliveSeconds: 1 } },
      );
      const growth = watchRss(gateway.process.pid);
      const [answer]: IncomingMessage[] = await once(
        get(gateway.url, { headers: authorization }),
        'response',
      );
      expect(await standstill(() => written)).toBeLessThan(held);
      expect(growth()).toBeLessThan(flat);
      expect(await count(answer as IncomingMessage)).toBe(streamBytes);
    },
  );

  it('makes the client stop', { timeout }, async () => {
    let read = () => {};
    const { gateway } = await start((asked, response) => {
      read = () => void count(asked).then((sum) => response.end(String(sum)));
    });
    const growth = watchRss(gateway.process.pid);
    const upload = request(gateway.url, { method: 'POST', headers: authorization });
    const answered = once(upload, 'response');
    let written = 0;
    const source = bytes(streamBytes);
    source.on('data', (chunk) => {
      written += chunk.length;
    });
    const sent = pipeline(source, upload);
    expect(await standstill(() => written)).toBeLessThan(held);
    expect(growth()).toBeLessThan(flat);
    read();
    await sent;
    const [answer] = await answered;
    expect(String(await answer.toArray())).toBe(String(streamBytes));
  });
});
