import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onEnd } from './lifetime.js';

/** A request as it stood on the wire. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** In order; names in lower case. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** What an upstream does once it has a request. */
export type Reply = (socket: Socket) => void;

export interface RawUpstream {
  readonly url: string;
  readonly host: string;
  /** What has come so far. */
  readonly seen: readonly Seen[];
  /** All bytes that have come so far. */
  readonly received: string;
}

/** An API whose answers are bytes: the last segment of the path names the reply. */
export async function startRawUpstream(replies: ReadonlyMap<string, Reply>): Promise<RawUpstream> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let received = '';
  const server = createServer({ noDelay: true }, (socket) => {
    let pending = '';
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      pending += chunk.toString('latin1');
      for (let found = readRequest(pending); found !== undefined; found = readRequest(pending)) {
        pending = pending.slice(found.length);
        seen.push(found.request);
        const name = /([^/?]*)(?:\?.*)?$/.exec(found.request.target)?.[1] ?? '';
        (replies.get(name) ?? ok)(socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    seen,
    get received() {
      return received;
    },
  };
}

const ok: Reply = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

function readRequest(text: string): { request: Seen; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const [method = '', target = ''] = startLine.split(' ');
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return `${line.slice(0, colon).toLowerCase()}: ${line.slice(colon + 1).trim()}`;
  });
  const at = headEnd + 4;
  const [, stated = '0'] = /(?:^|\n)content-length: (\d+)/.exec(fields.join('\n')) ?? [];
  let length = Number(stated);
  if (fields.includes('transfer-encoding: chunked')) {
    const last = text.indexOf('0\r\n\r\n', at);
    if (last === -1) return undefined;
    length = last + 5 - at;
  }
  if (text.length < at + length) return undefined;
  return { request: { method, target, fields, body: text.slice(at, at + length) }, length: at + length };
}
