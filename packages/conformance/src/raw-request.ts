import { connect } from 'node:net';
import { type Framing, fieldValue, readMessage } from './http-message.js';

/** A request as it is to stand on the wire; nothing is checked, joined or encoded. */
export interface RawRequest {
  /** Default GET. */
  readonly method?: string;
  /** Default `/`. */
  readonly target?: string;
  /** In this order, names repeated at will. A character stands for a byte (ISO 8859-1). */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Default none; its Content-Length is added unless `fields` frame it. */
  readonly body?: string;
}

export interface RawResponse {
  readonly status: number;
  /** The field's value, or several joined with a comma. */
  header(name: string): string | undefined;
  readonly body: string;
  /** Everything as it came. */
  readonly text: string;
}

/** A request under way. */
export interface RawExchange {
  /** Rejects when the connection ends without a complete answer. */
  readonly response: Promise<RawResponse>;
  /** The server has closed the connection. */
  readonly closed: Promise<void>;
  /** Goes away without waiting. */
  leave(): void;
}

/** Sends a request over a connection of its own, which the server is asked to close. */
export function sendRequest(url: string, request: RawRequest = {}): RawExchange {
  const framing = request.method === 'HEAD' ? 'head-response' : 'response';
  return sendBytes(url, formatRequest(new URL(url).host, request), framing);
}

/** Sends exactly these bytes; a character stands for a byte (ISO 8859-1). */
export function sendBytes(url: string, bytes: string, framing: Framing = 'response'): RawExchange {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), timeout: 20_000 });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const response = new Promise<RawResponse>((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const read = (ended: boolean) => {
      const answer = parseResponse(received, framing, ended);
      if (answer !== undefined) resolve(answer);
    };
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      read(false);
    });
    socket.on('close', () => {
      read(true);
      reject(new Error('the connection ended without a complete answer'));
    });
    // what follows an error is 'close'
    socket.on('error', () => {});
    socket.on('timeout', () => socket.destroy());
  });
  // a caller that leaves does not look at the answer
  response.catch(() => {});
  socket.write(bytes, 'latin1');
  return { response, closed, leave: () => socket.destroy() };
}

function formatRequest(
  host: string,
  { method = 'GET', target = '/', fields = [], body }: RawRequest,
): string {
  const framed = fields.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const length = body === undefined || framed ? [] : [['Content-Length', String(body.length)]];
  const lines = [['Host', host], ['Connection', 'close'], ...fields, ...length].map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

function parseResponse(received: Buffer, framing: Framing, ended: boolean): RawResponse | undefined {
  const message = readMessage(received, framing, ended);
  return (
    message && {
      status: Number(message.startLine.split(' ')[1]),
      header: (name) => fieldValue(message.fields, name),
      body: message.body,
      text: received.toString('latin1'),
    }
  );
}
