import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange } from './fast-connection.js';
import type { FastRoute } from './fast-lane.js';
import { type Refusal, upstreamFailed, upstreamTooSlow } from './refusal.js';

export interface FastResponderOptions {
  /** Whether the connection ends with this answer. */
  isLast(): boolean;
  onDone(): void;
  /** The client does not keep up. */
  pause(): void;
}

const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);
const closing = 'Connection: close\r\n';

/** Writes answers to one client, one after the other. Head and body leave in one write where they came together. */
export class FastResponder implements Exchange {
  readonly #socket: Socket;
  readonly #options: FastResponderOptions;
  #route: FastRoute | undefined;
  #startedAt = 0;
  /** The head, until it is known whether a body goes with it. */
  #head = '';
  #isChunked = false;
  #hasBegun = false;
  #isLast = false;

  constructor(socket: Socket, options: FastResponderOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** The next answer comes from this route's upstream. */
  begin(route: FastRoute, startedAt: number): this {
    this.#route = route;
    this.#startedAt = startedAt;
    this.#hasBegun = false;
    return this;
  }

  onHead(status: number, reason: string, fields: string, length: number | undefined): void {
    this.#report(status);
    this.#hasBegun = true;
    this.#isLast = this.#options.isLast();
    this.#isChunked = length === undefined;
    const framing =
      length === undefined
        ? 'Transfer-Encoding: chunked\r\n'
        : status === 204 || status === 304
          ? ''
          : `Content-Length: ${length}\r\n`;
    const date = hasDate.test(fields) ? '' : dateLine();
    this.#head = `HTTP/1.1 ${status} ${reason}\r\n${fields}${date}${framing}${this.#isLast ? closing : ''}\r\n`;
  }

  onBody(chunk: Buffer): void {
    const socket = this.#socket;
    let isKeepingUp: boolean;
    const before = this.#takeHead() + (this.#isChunked ? `${chunk.length.toString(16)}\r\n` : '');
    const after = this.#isChunked ? '\r\n' : '';
    if (chunk.length < 16_384) {
      isKeepingUp = socket.write(before + chunk.toString('latin1') + after, 'latin1');
    } else {
      socket.cork();
      if (before !== '') socket.write(before, 'latin1');
      isKeepingUp = socket.write(Buffer.from(chunk));
      if (after !== '') isKeepingUp = socket.write(after, 'latin1');
      socket.uncork();
    }
    if (!isKeepingUp) this.#options.pause();
  }

  /** A body may be long in coming after its head. */
  onPause(): void {
    this.#flush();
  }

  onEnd(trailers: string): void {
    if (this.#isChunked) this.#socket.write(`${this.#takeHead()}0\r\n${trailers}\r\n`, 'latin1');
    else this.#flush();
    this.#done();
  }

  onFailure(code: string): void {
    if (this.#hasBegun) {
      this.#route?.onBreak(code);
      // what was announced will not come; only a broken connection tells the client so
      this.#socket.destroy();
      return;
    }
    const refusal = timeouts.has(code) ? upstreamTooSlow : upstreamFailed;
    this.#report(refusal.status, code);
    this.refuse(refusal);
  }

  refuse({ status, headers, body }: Refusal): void {
    this.#isLast = this.#options.isLast();
    let fields = '';
    for (const name in headers) fields += `${name}: ${headers[name]}\r\n`;
    this.#socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${fields}${dateLine()}Content-Length: ${Buffer.byteLength(body)}\r\n${this.#isLast ? closing : ''}\r\n${body}`,
    );
    this.#done();
  }

  /** The client has gone. */
  leave(): void {
    if (!this.#hasBegun) this.#report(499);
  }

  #done(): void {
    this.#route = undefined;
    if (this.#isLast) this.#socket.end();
    this.#options.onDone();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }

  #flush(): void {
    if (this.#head !== '' && !this.#socket.destroyed) this.#socket.write(this.#takeHead(), 'latin1');
  }

  #report(status: number, error?: string): void {
    this.#route?.onOutcome(status, (performance.now() - this.#startedAt) / 1000, error);
    if (status === 499) this.#route = undefined;
  }
}

const hasDate = /^date:/im;

let second = 0;
let line = '';

/** The Date field (RFC 9110 §6.6.1), made once a second. */
function dateLine(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return line;
}
