import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pool } from 'undici';
import { Answer } from './answer.js';
import { clearHead, type Failure, toFailure, writeFailure } from './failure.js';
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
  #answer: Answer | undefined;
  #abort: (() => void) | undefined;
  #isUpgraded = false;
  #isReported = false;

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
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#onClientGone());
    this.#socket.on('end', this.#onEarlyEnd);
    this.#socket.on('readable', this.#onReadable);
    // the upstream is asked by a GET without a body, so nothing else may pass for one
    if (request.method !== 'GET' || hasBody(request)) {
      this.#fail({ status: 400, code: 'ERR_UPGRADE_METHOD' });
      return;
    }
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

  /** Nobody reads from the client yet, and only who reads sees that it leaves. What it says stays where it is. */
  readonly #onReadable = () => {
    if (this.#socket.readableLength === 0) this.#socket.read(0);
  };
  readonly #onEarlyEnd = () => void this.#socket.destroy();

  #stopWatching(): void {
    this.#socket.off('readable', this.#onReadable);
    this.#socket.off('end', this.#onEarlyEnd);
  }

  onConnect(abort: () => void): void {
    this.#abort = abort;
    if (this.#socket.destroyed) abort();
  }

  onUpgrade(status: number, raw: Buffer[], upstream: Socket): void {
    this.#isUpgraded = true;
    this.#stopWatching();
    this.#report(status);
    const client = this.#socket;
    const upgrade = this.#request.headers.upgrade ?? 'websocket';
    const own = [...(this.#changes.responseFields ?? []), 'Connection', 'Upgrade', 'Upgrade', upgrade];
    const fields = [...buildResponseFields(raw), ...own];
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
    for (let index = 0; index < fields.length; index += 2)
      lines.push(`${fields[index]}: ${fields[index + 1]}`);
    client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    if (this.#head.length > 0) upstream.write(this.#head);
    // an upgraded connection may be silent for as long as both like
    upstream.setTimeout(0);
    if ('setTimeout' in client) (client as Socket).setTimeout(0);
    const idleMilliseconds = this.#options.idleTimeoutSeconds * 1000;
    tie(client, upstream, idleMilliseconds);
    tie(upstream, client, idleMilliseconds);
  }

  /** The upstream does not change the protocol: its answer goes back like any other. */
  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    if (status < 200 || this.#socket.destroyed) return true;
    const response = this.#respond();
    const answer = new Answer(this.#request, response, this.#changes.responseFields);
    try {
      answer.begin(status, raw, resume, reason);
    } catch {
      clearHead(response);
      this.#report(502, 'ERR_MALFORMED_RESPONSE');
      writeFailure(response, { status: 502, code: 'ERR_MALFORMED_RESPONSE' });
      this.#abort?.();
      return true;
    }
    this.#answer = answer;
    this.#report(status);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#answer?.write(chunk) ?? true;
  }

  onComplete(rawTrailers: readonly (string | Buffer)[] | null): void {
    this.#answer?.end(rawTrailers);
  }

  onError(error: Error): void {
    if (this.#socket.destroyed) return;
    const failure = toFailure(error);
    if (this.#answer === undefined) this.#fail(failure);
    else if (this.#answer.breakOff()) this.#changes.onBreak?.(failure.code);
  }

  #onClientGone(): void {
    if (this.#isUpgraded) return;
    this.#report(499);
    this.#abort?.();
  }

  #fail(failure: Failure): void {
    if (this.#isReported) return;
    this.#report(failure.status, failure.code);
    writeFailure(this.#respond(), failure);
  }

  #respond(): ServerResponse {
    const response = new ServerResponse(this.#request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#socket as Socket);
    // the server that would say so has let go of the connection
    this.#socket.on('drain', () => response.emit('drain'));
    response.on('finish', () => this.#socket.end());
    return response;
  }

  #report(status: number, error?: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const durationSeconds = (performance.now() - this.#startedAt) / 1000;
    this.#changes.onOutcome?.({ status, durationSeconds, ...(error === undefined ? {} : { error }) });
  }
}

/**
 * What one side says goes to the other, at the other's pace. When one is gone, so is the other: at once where it broke
 * off, otherwise once it has been told all.
 */
function tie(from: Duplex, to: Duplex, idleMilliseconds: number): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => {
    if (!from.readableEnded || to.writableFinished) {
      to.destroy();
      return;
    }
    to.once('finish', () => to.destroy());
    // one that takes nothing is not waited for
    if ('setTimeout' in to) (to as Socket).setTimeout(idleMilliseconds, () => to.destroy());
  });
}
