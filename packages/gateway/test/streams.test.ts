import { once } from 'node:events';
import { get, type IncomingMessage, type RequestListener, request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { choose, jwtType, noContent, reply } from '@phantom-token/conformance';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from './gateway.js';
import { watchRss } from './process-status.js';
import { format } from './raw.js';
import { listen, startAuthorizationServer, startUpstream, type Upstream } from './stage.js';

/** How much each stream carries: well over what memory may grow by. */
const streamBytes = 3 * 2 ** 26;
/** Enough for the buffers on the way, and for what a garbage collector leaves lying around. */
const flat = 150_000_000;
/** More than all kernels on the way hold back for a connection. */
const held = 100_000_000;
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

interface Stage {
  readonly url: string;
  /** What becomes of requests that reach the upstream. */
  serve(listener: RequestListener): void;
  /** How many did. */
  readonly requests: () => number;
  /** How much more memory than after its start the gateway held at most, in all that it has done. Bytes. */
  readonly growth: () => number;
}

/** One process for many streams, so that what each of them leaves behind counts too. */
function useStage(fastLane: boolean): Stage {
  let stage: { gateway: GatewayProcess; upstream: Upstream; growth: () => number };
  let listener: RequestListener;
  beforeAll(async () => {
    const upstream = await startUpstream((asked, response) => listener(asked, response));
    const { introspection, server, jwt } = await startAuthorizationServer();
    const good = reply(200, jwtType, jwt);
    server.answer(choose(({ form }) => (form.get('token') === 'bad' ? noContent() : good)));
    const routes = [{ path: '/', upstream: upstream.url }];
    // a body may take longer than all of these
    const limits = { headersTimeoutSeconds: 1, keepAliveSeconds: 1 };
    const gateway = await startGatewayProcess({ listen, introspection, routes, fastLane, limits });
    stage = { gateway, upstream, growth: watchRss(gateway.process) };
  });
  return {
    get url() {
      return stage.gateway.url;
    },
    serve(next) {
      listener = next;
    },
    requests: () => stage.upstream.requests.length,
    growth: () => stage.growth(),
  };
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

/** What is read in the lane that a stage is about: answers. */
function describeDownloads(stage: Stage): void {
  describe.each(framings)('an answer with $framing', ({ fields }) => {
    it('comes down in flat memory', { timeout }, async () => {
      stage.serve((_asked, response) => {
        pipeline(bytes(streamBytes), response.writeHead(200, fields)).catch(() => {});
      });
      const [answer] = await once(get(stage.url, { headers: authorization }), 'response');
      expect(await count(answer)).toBe(streamBytes);
      expect(stage.growth()).toBeLessThan(flat);
    });

    it('waits for a client that does not read', { timeout }, async () => {
      let written = 0;
      stage.serve((_asked, response) => {
        const source = bytes(streamBytes);
        source.on('data', (chunk) => {
          written += chunk.length;
        });
        pipeline(source, response.writeHead(200, fields)).catch(() => {});
      });
      const [answer]: IncomingMessage[] = await once(get(stage.url, { headers: authorization }), 'response');
      expect(await standstill(() => written)).toBeLessThan(held);
      expect(stage.growth()).toBeLessThan(flat);
      expect(await count(answer as IncomingMessage)).toBe(streamBytes);
    });
  });
}

describe('without the fast lane', () => describeDownloads(useStage(false)));

describe('with the fast lane', () => {
  const stage = useStage(true);
  describeDownloads(stage);

  const countBody: RequestListener = (asked, response) => {
    count(asked).then((sum) => response.end(String(sum)));
  };

  const most = process.env.TEST_SIZE === 'full' ? 5_000_000_000 : 500_000_000;

  it(`${most / 1e9} GB go up while as much comes down, in flat memory`, { timeout: 600_000 }, async () => {
    stage.serve((asked, response) => {
      if (asked.method === 'POST') countBody(asked, response);
      else pipeline(bytes(most), response.writeHead(200, { 'Content-Length': most })).catch(() => {});
    });
    const fields = { ...authorization, 'Content-Length': most };
    const upload = request(stage.url, { method: 'POST', headers: fields });
    const counted = once(upload, 'response').then(async ([answer]) => Number(String(await answer.toArray())));
    const download = once(get(stage.url, { headers: authorization }), 'response');
    const [, up, down] = await Promise.all([
      pipeline(bytes(most), upload),
      counted,
      download.then(([answer]) => count(answer)),
    ]);
    expect([up, down]).toEqual([most, most]);
    expect(stage.growth()).toBeLessThan(flat);
  });

  describe.each(framings)('a body with $framing', ({ fields }) => {
    it('goes up in flat memory', { timeout }, async () => {
      stage.serve(countBody);
      const upload = request(stage.url, { method: 'POST', headers: { ...authorization, ...fields } });
      const answered = once(upload, 'response');
      await pipeline(bytes(streamBytes), upload);
      const [answer] = await answered;
      expect(String(await answer.toArray())).toBe(String(streamBytes));
      expect(stage.growth()).toBeLessThan(flat);
    });

    it('waits for an upstream that does not read', { timeout }, async () => {
      let read = () => {};
      stage.serve((asked, response) => {
        read = () => countBody(asked, response);
      });
      const upload = request(stage.url, { method: 'POST', headers: { ...authorization, ...fields } });
      const answered = once(upload, 'response');
      let written = 0;
      const source = bytes(streamBytes);
      source.on('data', (chunk) => {
        written += chunk.length;
      });
      const sent = pipeline(source, upload);
      expect(await standstill(() => written)).toBeLessThan(held);
      expect(stage.growth()).toBeLessThan(flat);
      read();
      await sent;
      const [answer] = await answered;
      expect(String(await answer.toArray())).toBe(String(streamBytes));
    });

    it('is not waited for with a bad token, and not kept', { timeout }, async () => {
      const before = stage.requests();
      const { hostname, port } = new URL(stage.url);
      const socket = connect({ host: hostname, port: Number(port) });
      const isChunked = !('Content-Length' in fields);
      const framed = isChunked ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${streamBytes}`];
      socket.write(format('POST', '/', ['Authorization: Bearer bad', ...framed]));
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 401 /);
      // what it sends all the same is read and dropped: the next request is answered
      const body = bytes(streamBytes);
      await pipeline(isChunked ? Readable.from(chunked(body)) : body, socket, { end: false });
      socket.write(format('POST', '/', ['Authorization: Bearer bad', 'Content-Length: 0']));
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 401 /);
      expect(stage.growth()).toBeLessThan(flat);
      expect(stage.requests()).toBe(before);
      socket.destroy();
    });
  });
});
