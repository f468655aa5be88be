import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pool } from 'undici';
import { type Failure, toFailure, writeFailure } from './failure.js';
import type { ForwardChanges } from './forward-changes.js';
import type { ResolvedForwarderOptions } from './forwarder-options.js';
import { hasBody } from './request-body.js';
import { buildRequestFields } from './request-fields.js';
import { buildResponseFields } from './response-fields.js';

/** A request to change the protocol (RFC 9110 §7.8): once the upstream agrees, bytes go both ways as they come. */
export class Upgrade {
  readonly #pool: Pool;
  readonly #options: ResolvedForwarderOptions;
  readonly #request: IncomingMessage;
  readonly #socket: Duplex;
  readonly #head: Buffer;
  readonly #changes: ForwardChanges;
  readonly #startedAt = performance.now();
  #response: ServerResponse | undefined;
  #abort: (() => void) | undefined;
  #isUpgraded = false;

  constructor(
    pool: Pool,
    options: ResolvedForwarderOptions,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    changes: ForwardChanges,
  ) {
    this.#pool = pool;
    this.#options = options;
    this.#request = request;
    this.#socket = socket;
    this.#head = head;
    this.#changes = changes;
  }

  start(): void {
    const request = this.#request;
    // the upstream is asked by a GET without a body, so nothing else may pass for one
    if (request.method !== 'GET' || hasBody(request)) {
      this.#fail({ status: 400, code: 'ERR_UPGRADE_METHOD' });
      return;
    }
    this.#socket.on('error', () => this.#abort?.());
    this.#socket.on('close', () => this.#isUpgraded || this.#abort?.());
    this.#pool.dispatch(
      {
        path: this.#options.pathPrefix + (this.#changes.target ?? request.url),
        method: 'GET',
        headers: buildRequestFields(request, this.#options, this.#changes),
        upgrade: request.headers.upgrade ?? 'websocket',
      },
      this,
    );
  }

  onConnect(abort: () => void): void {
    this.#abort = abort;
    if (this.#socket.destroyed) abort();
  }

  onUpgrade(status: number, raw: Buffer[], upstream: Socket): void {
    this.#isUpgraded = true;
    this.#report(status);
    const client = this.#socket;
    const upgrade = this.#request.headers.upgrade ?? 'websocket';
    const fields = [...buildResponseFields(raw), 'Connection', 'Upgrade', 'Upgrade', upgrade];
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
    for (let index = 0; index < fields.length; index += 2)
      lines.push(`${fields[index]}: ${fields[index + 1]}`);
    client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    if (this.#head.length > 0) upstream.write(this.#head);
    // an upgraded connection may be silent for as long as both like
    upstream.setTimeout(0);
    if ('setTimeout' in client) (client as Socket).setTimeout(0);
    tie(client, upstream);
    tie(upstream, client);
  }

  /** The upstream does not change the protocol: its answer goes back like any other. */
  onHeaders(status: number, raw: Buffer[], _resume: () => void, statusText: string): boolean {
    if (status < 200) return true;
    this.#report(status);
    this.#respond().writeHead(status, statusText, buildResponseFields(raw));
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.#response?.write(chunk);
    return true;
  }

  onComplete(): void {
    this.#response?.end();
  }

  onError(error: Error): void {
    if (this.#socket.destroyed) return;
    if (this.#response !== undefined) {
      this.#socket.destroy();
      return;
    }
    this.#fail(toFailure(error));
  }

  #fail(failure: Failure): void {
    this.#report(failure.status, failure.code);
    writeFailure(this.#respond(), failure);
  }

  #respond(): ServerResponse {
    const response = new ServerResponse(this.#request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#socket as Socket);
    response.on('finish', () => this.#socket.end());
    this.#response = response;
    return response;
  }

  #report(status: number, error?: string): void {
    const durationSeconds = (performance.now() - this.#startedAt) / 1000;
    this.#changes.onOutcome?.({ status, durationSeconds, ...(error === undefined ? {} : { error }) });
  }
}

/** What one side says goes to the other, at the other's pace; when one is gone, so is the other. */
function tie(from: Duplex, to: Duplex): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}
