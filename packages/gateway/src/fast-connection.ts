import { connect, type Socket } from 'node:net';
import type { Dated } from './deadlines.js';
import { ResponseReader, type ResponseSink } from './fast-response.js';

/** Who waits for a response: told of its parts, or that none will come. */
export interface Exchange extends ResponseSink {
  /** All that came at once has been told. */
  onPause(): void;
  onFailure(code: string): void;
}

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutSeconds: number;
  readonly timeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
}

/** How long an unused connection is kept. Servers commonly close theirs after five seconds. */
const keepSeconds = 4;

/** One request under way. */
export interface Sent {
  /** Reads no more of the response for now. */
  pause(): void;
  resume(): void;
  /** Nobody waits for the response any more. */
  abandon(): void;
}

/** Whom a connection belongs to. */
export interface Owner {
  /** False: the connection is not needed any more. */
  onIdle(): boolean;
  onClose(): void;
  retry(bytes: string, exchange: Exchange): Sent;
}

/** What connections read into, one after the other: whoever keeps a part of it for later copies it. */
const readBuffer = Buffer.allocUnsafe(65_536);

/** A connection to an upstream, with one request at a time. */
export class Connection implements Sent, Dated {
  readonly #options: UpstreamOptions;
  readonly #owner: Owner;
  readonly #socket: Socket;
  #reader: ResponseReader;
  #exchange: Exchange | undefined;
  #bytes = '';
  #isFresh = true;
  #hasAnswered = false;
  #hasHead = false;
  dueAt = Number.POSITIVE_INFINITY;
  #isConnected = false;
  #isPaused = false;
  #retried: Sent | undefined;
  readonly #sink: ResponseSink;

  constructor(options: UpstreamOptions, owner: Owner) {
    this.#options = options;
    this.#owner = owner;
    const socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#read(readBuffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket = socket;
    this.#sink = {
      onHead: (status, reason, fields, length) => {
        this.#hasHead = true;
        this.#setDue(options.idleTimeoutSeconds);
        this.#exchange?.onHead(status, reason, fields, length);
      },
      onBody: (chunk) => this.#exchange?.onBody(chunk),
      onEnd: (trailers, reusable) => this.#finish(trailers, reusable),
    };
    this.#reader = new ResponseReader(this.#sink);
    this.#setDue(options.connectTimeoutSeconds);
    socket.on('connect', () => {
      this.#isConnected = true;
      this.#setDue(options.timeoutSeconds);
    });
    socket.on('end', () => {
      if (!this.#reader.end()) this.#fail('UND_ERR_SOCKET');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'ERR_UPSTREAM'));
    socket.on('close', () => {
      this.#fail('UND_ERR_SOCKET');
      this.#owner.onClose();
    });
  }

  send(bytes: string, exchange: Exchange, isFresh: boolean): void {
    this.#exchange = exchange;
    this.#bytes = bytes;
    this.#isFresh = isFresh;
    this.#hasAnswered = false;
    this.#hasHead = false;
    this.#socket.write(bytes, 'latin1');
    // for all of the head, however many pieces it comes in
    if (this.#isConnected) this.#setDue(this.#options.timeoutSeconds);
  }

  onDue(): void {
    this.#fail(this.#isConnected ? 'UND_ERR_HEADERS_TIMEOUT' : 'UND_ERR_CONNECT_TIMEOUT');
    this.#socket.destroy();
  }

  pause(): void {
    if (this.#retried === undefined) {
      this.#isPaused = true;
      this.#socket.pause();
    } else this.#retried.pause();
  }

  resume(): void {
    if (this.#retried === undefined) {
      this.#isPaused = false;
      this.#socket.resume();
    } else this.#retried.resume();
  }

  abandon(): void {
    if (this.#retried !== undefined) {
      this.#retried.abandon();
      return;
    }
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#exchange === undefined) {
      // an answer to nothing
      this.#socket.destroy();
      return;
    }
    this.#hasAnswered = true;
    try {
      if (this.#hasHead) this.#setDue(this.#options.idleTimeoutSeconds);
      this.#reader.read(chunk);
      this.#exchange?.onPause();
    } catch (error) {
      this.#fail((error as { code?: string }).code ?? 'ERR_UPSTREAM');
      this.#socket.destroy();
    }
  }

  /** 0: no end. */
  #setDue(seconds: number): void {
    this.dueAt = seconds === 0 ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000;
  }

  #finish(trailers: string, reusable: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // first the answer goes out, then the connection is offered to the next
    exchange?.onEnd(trailers, reusable);
    if (!reusable) {
      this.#socket.destroy();
      return;
    }
    // whoever had it paused is done with it
    if (this.#isPaused) this.resume();
    this.#setDue(keepSeconds);
    if (!this.#owner.onIdle()) this.#socket.destroy();
  }

  #fail(code: string): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#socket.destroy();
    // a kept connection that the upstream closed as we used it: nothing was answered, and GET may be asked again
    const isStale = !this.#isFresh && !this.#hasAnswered && code !== 'UND_ERR_HEADERS_TIMEOUT';
    if (isStale) this.#retried = this.#owner.retry(this.#bytes, exchange);
    else exchange.onFailure(code);
  }
}
