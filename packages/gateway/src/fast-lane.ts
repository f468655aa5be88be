import type { Socket } from 'node:net';
import type { Sent } from './fast-connection.js';
import { parseFastRequest } from './fast-request.js';
import { FastResponder } from './fast-responder.js';
import type { UpstreamPool } from './fast-upstream.js';
import type { Refusal } from './refusal.js';

// Most requests are a GET with nothing unusual about them. Those are read, judged and forwarded here, bytes to bytes,
// without building what Node's HTTP server and a client library would. A connection that sends anything else is handed
// over, with that, to the general lane, and stays there. The lanes share routes, authorizers and the client.

/** What a route lends the fast lane. */
export interface FastRoute {
  readonly pool: UpstreamPool;
  /** Host field for the upstream; `undefined`: what the client named. */
  readonly host: string | undefined;
  targetOf(path: string, query: string): string;
  /** Calls one of the two, at once where memory has the answer. `undefined` for a route that needs no token. */
  judge(
    query: string,
    authorization: string | undefined,
    pass: (authorization: string | undefined) => void,
    refuse: (refusal: Refusal) => void,
  ): void;
  onOutcome(status: number, durationSeconds: number, error?: string): void;
  /** The upstream broke off behind the head of its answer. */
  onBreak(code: string): void;
}

export interface FastLaneOptions {
  /** The route of an unambiguous path, where the fast lane may serve it. */
  find(path: string): FastRoute | undefined;
  /** Takes over a connection; the bytes were read from it already. */
  handOver(socket: Socket, bytes: Buffer | undefined): void;
  readonly limits: {
    readonly headersTimeoutSeconds: number;
    readonly keepAliveSeconds: number;
    readonly idleTimeoutSeconds: number;
    readonly maxHeaderBytes: number;
    readonly maxHeaders: number;
  };
}

export interface FastLane {
  accept(socket: Socket): void;
  /** From now on each connection ends with its next answer. */
  drain(): void;
  /** Ends the connections that have been silent since the last call. */
  closeQuiet(): void;
}

export function createFastLane(options: FastLaneOptions): FastLane {
  const state: LaneState = { isDraining: false, connections: new Set() };
  return {
    accept: (socket) => void state.connections.add(new FastConnection(socket, options, state)),
    drain() {
      state.isDraining = true;
    },
    closeQuiet() {
      for (const connection of state.connections) connection.closeIfQuiet();
    },
  };
}

interface LaneState {
  isDraining: boolean;
  readonly connections: Set<FastConnection>;
}

/**
 * How long a client that says no more is still given an answer. Most have left by then, and TCP does not tell the ones
 * that only read from them.
 */
const leaveMilliseconds = 50;

/** A client's connection as long as it is in this lane. */
class FastConnection {
  readonly #socket: Socket;
  readonly #options: FastLaneOptions;
  readonly #state: LaneState;
  readonly #responder: FastResponder;
  readonly #listeners: readonly (readonly [string, (...args: never[]) => void])[];
  /** A request is under way. */
  #isBusy = false;
  /** Bytes that came meanwhile. */
  #early: Buffer | undefined;
  #sent: Sent | undefined;
  #wasQuiet = false;
  /** The client has said all that it will. */
  #hasEnded = false;
  /** The client has not taken an answer for as long as an idle connection is kept. */
  #isSlow = false;

  constructor(socket: Socket, options: FastLaneOptions, state: LaneState) {
    this.#socket = socket;
    this.#options = options;
    this.#state = state;
    this.#responder = new FastResponder(socket, {
      isLast: () => state.isDraining || this.#hasEnded,
      onDone: () => this.#onDone(),
      pause: () => this.#sent?.pause(),
    });
    this.#listeners = [
      ['data', (chunk: Buffer) => this.#read(chunk)],
      ['drain', () => this.#sent?.resume()],
      ['timeout', () => this.#onTimeout()],
      ['error', () => socket.destroy()],
      ['end', () => this.#onEnd()],
      ['close', () => this.#onClose()],
    ];
    for (const [event, listener] of this.#listeners) socket.on(event, listener as () => void);
    socket.setTimeout(options.limits.headersTimeoutSeconds * 1000);
  }

  closeIfQuiet(): void {
    if (this.#isBusy) return;
    if (this.#wasQuiet) this.#socket.destroySoon();
    this.#wasQuiet = true;
  }

  #read(chunk: Buffer): void {
    // we have said that the connection ends
    if (this.#socket.writableEnded) return;
    if (this.#isBusy) {
      // one request at a time; what comes early waits, and the client with it
      this.#early = this.#early === undefined ? chunk : Buffer.concat([this.#early, chunk]);
      this.#socket.pause();
      return;
    }
    const { limits } = this.#options;
    const size = chunk.length;
    const isOneHead =
      size <= limits.maxHeaderBytes &&
      size > 16 &&
      chunk.readUInt32BE(size - 4) === 0x0d0a0d0a &&
      chunk.indexOf('\r\n\r\n', 0, 'latin1') === size - 4;
    const request = isOneHead
      ? parseFastRequest(chunk.toString('latin1', 0, size - 2), limits.maxHeaders)
      : undefined;
    const route = request && this.#options.find(request.path);
    if (request === undefined || route === undefined) {
      this.#handOver(chunk);
      return;
    }
    this.#isBusy = true;
    this.#wasQuiet = false;
    const startedAt = performance.now();
    const pass = (authorization: string | undefined) => {
      if (this.#socket.destroyed) return;
      const { path, query, host, fields, credentials } = request;
      const peer = this.#socket.remoteAddress;
      const own = authorization === undefined ? credentials : `authorization: ${authorization}\r\n`;
      const bytes =
        `GET ${route.targetOf(path, query)} HTTP/1.1\r\nhost: ${route.host ?? host}\r\n${fields}${own}` +
        `x-forwarded-host: ${host}\r\nx-forwarded-for: ${peer}\r\nx-forwarded-proto: http\r\n\r\n`;
      this.#sent = route.pool.send(bytes, this.#responder.begin(route, startedAt));
    };
    route.judge(request.query, request.authorization, pass, (refusal) => {
      if (!this.#socket.destroyed) this.#responder.refuse(refusal);
    });
  }

  #onDone(): void {
    this.#isBusy = false;
    this.#sent = undefined;
    this.#isSlow = false;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const milliseconds = this.#options.limits.keepAliveSeconds * 1000;
    // whatever comes or goes starts it anew
    if (this.#socket.timeout !== milliseconds) this.#socket.setTimeout(milliseconds);
    if (this.#early === undefined) return;
    const early = this.#early;
    this.#early = undefined;
    this.#handOver(early);
    this.#socket.resume();
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    for (const [event, listener] of this.#listeners) socket.off(event, listener as () => void);
    socket.setTimeout(0);
    this.#state.connections.delete(this);
    this.#options.handOver(socket, bytes);
  }

  #onEnd(): void {
    this.#hasEnded = true;
    if (this.#isBusy) this.#socket.setTimeout(leaveMilliseconds);
    else this.#socket.end();
  }

  #onTimeout(): void {
    if (this.#hasEnded) {
      this.#socket.destroy();
      return;
    }
    // the upstream has time limits of its own
    if (this.#isBusy && !this.#socket.writableNeedDrain) return;
    if (!this.#isBusy || this.#isSlow) {
      this.#socket.destroy();
      return;
    }
    // the limit so far was one for requests
    this.#isSlow = true;
    this.#socket.setTimeout(this.#options.limits.idleTimeoutSeconds * 1000);
  }

  #onClose(): void {
    this.#state.connections.delete(this);
    if (!this.#isBusy) return;
    this.#responder.leave();
    this.#sent?.abandon();
  }
}
