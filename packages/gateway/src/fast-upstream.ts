import { Deadlines } from './deadlines.js';
import { Connection, type Exchange, type Sent, type UpstreamOptions } from './fast-connection.js';

export interface UpstreamPoolOptions extends UpstreamOptions {
  readonly maxConnections: number;
}

/** Kept connections to one upstream, each with one request at a time. */
export class UpstreamPool {
  readonly #options: UpstreamPoolOptions;
  readonly #idle: Connection[] = [];
  readonly #waiting: { readonly bytes: string; readonly exchange: Exchange; sent: PendingSent }[] = [];
  /** Requests whose connection ended under them: they get one of their own, in the place of that. */
  readonly #again: { readonly bytes: string; readonly exchange: Exchange; sent: PendingSent }[] = [];
  readonly #deadlines = new Deadlines();
  #open = 0;
  #isClosed = false;

  constructor(options: UpstreamPoolOptions) {
    this.#options = options;
  }

  /** Sends a request that may safely be sent twice (GET). */
  send(bytes: string, exchange: Exchange): Sent {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      idle.send(bytes, exchange, false);
      return idle;
    }
    if (this.#open < this.#options.maxConnections) return this.#sendFresh(bytes, exchange);
    const sent = new PendingSent(exchange, this.#options.connectTimeoutSeconds, this.#options.timeoutSeconds);
    this.#waiting.push({ bytes, exchange, sent });
    return sent;
  }

  #retry(bytes: string, exchange: Exchange): Sent {
    if (this.#open < this.#options.maxConnections) return this.#sendFresh(bytes, exchange);
    const sent = new PendingSent(exchange, this.#options.connectTimeoutSeconds, this.#options.timeoutSeconds);
    this.#again.push({ bytes, exchange, sent });
    return sent;
  }

  #sendFresh(bytes: string, exchange: Exchange): Connection {
    this.#open++;
    const connection = new Connection(this.#options, {
      onIdle: () => this.#next(connection),
      onClose: () => this.#forget(connection),
      retry: (again, waiting) => this.#retry(again, waiting),
    });
    this.#deadlines.add(connection);
    connection.send(bytes, exchange, true);
    return connection;
  }

  #next(connection: Connection): boolean {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.sent.isAbandoned) continue;
      connection.send(next.bytes, next.exchange, false);
      next.sent.start(connection);
      return true;
    }
    if (this.#isClosed) return false;
    this.#idle.push(connection);
    return true;
  }

  #forget(connection: Connection): void {
    this.#open--;
    this.#deadlines.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    let next = this.#again.shift() ?? this.#waiting.shift();
    while (next?.sent.isAbandoned) next = this.#again.shift() ?? this.#waiting.shift();
    if (next !== undefined) next.sent.start(this.#sendFresh(next.bytes, next.exchange));
  }

  /** Closes what is idle now, and the others when they are done. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}

/** A request that waits for a connection, though not for ever. */
class PendingSent implements Sent {
  #started: Sent | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  isAbandoned = false;

  constructor(exchange: Exchange, connectTimeoutSeconds: number, timeoutSeconds: number) {
    if (timeoutSeconds === 0) return;
    this.#timer = setTimeout(
      () => {
        this.isAbandoned = true;
        exchange.onFailure('UND_ERR_CONNECT_TIMEOUT');
      },
      (connectTimeoutSeconds + timeoutSeconds) * 1000,
    );
  }

  start(sent: Sent): void {
    clearTimeout(this.#timer);
    this.#started = sent;
  }

  pause(): void {
    this.#started?.pause();
  }

  resume(): void {
    this.#started?.resume();
  }

  abandon(): void {
    clearTimeout(this.#timer);
    this.isAbandoned = true;
    this.#started?.abandon();
  }
}
