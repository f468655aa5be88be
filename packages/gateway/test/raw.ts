import { connect } from 'node:net';

/** A response as it came. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The field's value, or several joined with a comma. */
  header(name: string): string | undefined;
  /** Without its chunks' sizes. */
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** The connection ended before the response did. */
  readonly isCut: boolean;
}

/** A connection for requests as they are to stand on the wire. A character stands for a byte (ISO 8859-1). */
export interface RawConnection {
  send(bytes: string): void;
  /** The next final response; `undefined` where the connection ends without one. */
  answer(method?: string): Promise<Answer | undefined>;
  /** Says that no more will be sent. */
  end(): void;
  destroy(): void;
  /** The server has closed the connection. */
  readonly closed: Promise<void>;
  readonly isOpen: boolean;
}

export function openConnection(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  let hasEnded = false;
  let check = () => {};
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const stop = () => {
    hasEnded = true;
    check();
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    check();
  });
  // what follows an error is 'close'
  socket.on('error', () => {});
  socket.on('end', stop);
  socket.on('close', stop);
  return {
    send: (bytes) => void socket.write(bytes, 'latin1'),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    closed,
    get isOpen() {
      return !hasEnded;
    },
    answer: (method = 'GET') =>
      new Promise((resolve) => {
        check = () => {
          const found = readAnswer(received.toString('latin1'), method, hasEnded);
          if (found !== undefined) received = received.subarray(found.length);
          if (found !== undefined || hasEnded) resolve(found?.answer);
        };
        check();
      }),
  };
}

/** One request on a connection of its own. */
export async function exchange(url: string, bytes: string): Promise<Answer | undefined> {
  const connection = openConnection(url);
  connection.send(bytes);
  const answer = await connection.answer(bytes.slice(0, bytes.indexOf(' ')));
  connection.destroy();
  return answer;
}

/** A request in text. `Host` is there unless the fields name one. */
export function format(method: string, target: string, fields: readonly string[] = [], body = ''): string {
  const host = fields.some((line) => /^host *:/i.test(line)) ? [] : ['Host: gateway.example'];
  return `${method} ${target} HTTP/1.1\r\n${[...host, ...fields, '', ''].join('\r\n')}${body}`;
}

interface Found {
  readonly answer: Answer;
  readonly length: number;
}

function readAnswer(text: string, method: string, hasEnded: boolean): Found | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const [, code, reason = ''] = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(startLine) ?? [];
  const status = Number(code);
  const at = headEnd + 4;
  if (status >= 100 && status < 200) {
    const next = readAnswer(text.slice(at), method, hasEnded);
    return next && { ...next, length: next.length + at };
  }
  const fields = lines.map(parseField);
  const header = (name: string) => {
    const values = fields.filter(([it]) => it === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const done = (body: string, length: number, isCut: boolean, trailers: string[] = []): Found => ({
    answer: { status, reason, fields, header, body, trailers: trailers.map(parseField), isCut },
    length: at + length,
  });
  if (method === 'HEAD' || status === 204 || status === 304) return done('', 0, false);
  const rest = text.slice(at);
  if (header('transfer-encoding') !== undefined) {
    const { body, length, trailers } = readChunks(rest);
    if (length !== undefined) return done(body, length, false, trailers);
    return hasEnded ? done(body, rest.length, true) : undefined;
  }
  const length = Number(header('content-length') ?? Number.NaN);
  if (rest.length >= length) return done(rest.slice(0, length), length, false);
  return hasEnded ? done(rest, rest.length, !Number.isNaN(length)) : undefined;
}

/** Without a length where the last chunk has not come. */
function readChunks(text: string): { body: string; length?: number; trailers: string[] } {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size) || text.length < lineEnd + 2 + size)
      return { body, trailers: [] };
    if (size === 0) {
      const rest = text.slice(lineEnd + 2);
      const end = rest.startsWith('\r\n') ? 0 : rest.indexOf('\r\n\r\n');
      if (end === -1) return { body, trailers: [] };
      const trailers = rest.slice(0, end).split('\r\n').filter(Boolean);
      return { body, trailers, length: lineEnd + 2 + (end === 0 ? 2 : end + 4) };
    }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

function parseField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
