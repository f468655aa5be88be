import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { status } from './answers.js';
import { fieldValue, type HttpMessage, readMessage } from './http-message.js';

/** A request as it came. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; several fields of one name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body read as a form. */
  readonly form: URLSearchParams;
  /** How many requests were given the same answer before. */
  readonly turn: number;
}

/** The server's end of the connection that a request came on. */
export interface Connection {
  /** Sends these bytes as they are. Resolves once the kernel has them, or the peer has gone. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Says that no more will come. */
  end(): void;
  /** Breaks the connection off (TCP RST). */
  reset(): void;
  readonly isOpen: boolean;
  /** Resolves when the connection is no more. */
  readonly closed: Promise<void>;
}

/** What the server does with a request. `answers.ts` makes the orderly ones, `faults.ts` the others. */
export type Answer = (connection: Connection, request: RecordedRequest) => void | Promise<void>;

export interface ScriptedServer {
  readonly origin: string;
  /** The introspection endpoint. */
  readonly endpoint: string;
  readonly jwksUri: string;
  /** Says what happens to introspection requests from now on. Until then, and elsewhere, the answer is 404. */
  answer(answer: Answer): void;
  /** The same for another path, such as `/jwks`. */
  answerAt(path: string, answer: Answer): void;
  /** The introspection requests so far, in order. */
  readonly calls: readonly RecordedRequest[];
  requestsTo(path: string): readonly RecordedRequest[];
  /** Resolves when there have been so many introspection requests. */
  called(times: number): Promise<void>;
  /** Connections accepted so far. */
  readonly connections: number;
  /** What was sent so far, over all connections. */
  readonly bytesSent: number;
  /** Resolves when every connection that a request came on is closed. */
  deserted(): Promise<void>;
  /** Listens again on the same port after `close`. */
  reopen(): Promise<void>;
  /** Breaks every connection off and refuses new ones. */
  close(): Promise<void>;
}

/** Starts an authorization server on loopback that does what it is told, byte by byte, and records what it is asked. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const answers = new Map<string, { readonly answer: Answer; turn: number }>();
  const requests: RecordedRequest[] = [];
  const sockets: Socket[] = [];
  const progress = new EventEmitter();

  const listener = createServer((socket) => {
    const connection = connectionOf(socket);
    sockets.push(socket);
    socket.on('close', () => progress.emit('change'));
    readRequests(socket, async (message) => {
      const parsed = parseRequest(message);
      const script = answers.get(parsed.path) ?? { answer: status(404), turn: 0 };
      const request = { ...parsed, turn: script.turn++ };
      requests.push(request);
      progress.emit('change');
      await script.answer(connection, request);
    });
  });
  const listen = async (port: number) => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  };
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await once(progress, 'change');
  };
  await listen(0);
  const { port } = listener.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const requestsTo = (path: string) => requests.filter((request) => request.path === path);
  const answerAt = (path: string, answer: Answer) => void answers.set(path, { answer, turn: 0 });

  return {
    origin,
    endpoint: `${origin}/introspect`,
    jwksUri: `${origin}/jwks`,
    answer: (answer) => answerAt('/introspect', answer),
    answerAt,
    get calls() {
      return requestsTo('/introspect');
    },
    requestsTo,
    called: (times) => until(() => requestsTo('/introspect').length >= times),
    get connections() {
      return sockets.length;
    },
    get bytesSent() {
      return sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    },
    // some runtimes open a connection ahead of need
    deserted: () => until(() => sockets.every(({ destroyed, bytesRead }) => destroyed || bytesRead === 0)),
    reopen: () => listen(port),
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function readRequests(socket: Socket, handle: (message: HttpMessage) => Promise<void>): void {
  let received: Buffer = Buffer.alloc(0);
  let handled = Promise.resolve();
  // a peer that breaks the connection off is part of the play
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const message = readMessage(received, 'request', false);
      if (message === undefined) return;
      received = message.rest;
      handled = handled.then(() => handle(message));
    }
  });
}

function parseRequest({ startLine, fields, body }: HttpMessage): Omit<RecordedRequest, 'turn'> {
  const [method = '', path = ''] = startLine.split(' ');
  const headers = Object.fromEntries(
    fields.map(([name]) => [name.toLowerCase(), fieldValue(fields, name) ?? '']),
  );
  return { method, path, headers, body, form: new URLSearchParams(body) };
}

function connectionOf(socket: Socket): Connection {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    write: (bytes) =>
      Promise.race([closed, new Promise<void>((resolve) => socket.write(bytes, () => resolve()))]),
    end: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
    get isOpen() {
      return !socket.destroyed;
    },
    closed,
  };
}
