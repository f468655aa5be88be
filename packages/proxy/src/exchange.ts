import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { Answer } from './answer.js';
import { isGone, onAnswered } from './client-response.js';
import { clearHead, type Failure, isStaleConnection, toFailure, writeFailure } from './failure.js';
import type { ForwardChanges } from './forward-changes.js';
import type { ResolvedForwarderOptions } from './forwarder-options.js';
import { dropRest, hasBody, readBody, tooLarge } from './request-body.js';
import { buildRequestFields } from './request-fields.js';

/** One request on its way to the upstream and back. A class, since undici calls its methods for every part. */
export class Exchange {
  readonly #pool: Pool;
  readonly #options: ResolvedForwarderOptions;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #changes: ForwardChanges;
  readonly #startedAt = performance.now();
  #dispatch: Dispatcher.DispatchOptions | undefined;
  #abort: (() => void) | undefined;
  #waiting: NodeJS.Timeout | undefined;
  #body: Readable | undefined;
  #answer: Answer | undefined;
  #isRetried = false;
  #isReported = false;

  constructor(
    pool: Pool,
    options: ResolvedForwarderOptions,
    request: IncomingMessage,
    response: ServerResponse,
    changes: ForwardChanges,
  ) {
    this.#pool = pool;
    this.#options = options;
    this.#request = request;
    this.#response = response;
    this.#changes = changes;
  }

  start(): void {
    const request = this.#request;
    const response = this.#response;
    const { maxRequestBytes, pathPrefix } = this.#options;
    if (isGone(response)) {
      this.#report(499);
      return;
    }
    if (Number(request.headers['content-length'] ?? 0) > maxRequestBytes) {
      this.#fail(toFailure(tooLarge()));
      return;
    }
    this.#body = hasBody(request) ? readBody(request, response, maxRequestBytes) : undefined;
    this.#dispatch = {
      path: pathPrefix + (this.#changes.target ?? request.url),
      method: request.method as Dispatcher.HttpMethod,
      headers: buildRequestFields(request, this.#options, this.#changes),
      body: this.#body ?? null,
    };
    response.on('close', () => this.#onClientGone());
    // whether the upstream read all of it or not, the client is to get on
    if (this.#body !== undefined) onAnswered(response, () => dropRest(request, response));
    this.#pool.dispatch(this.#dispatch, this);
    if (this.#abort === undefined) this.#waitForConnection();
  }

  onConnect(abort: () => void): void {
    this.#abort = abort;
    clearTimeout(this.#waiting);
    if (isGone(this.#response) || this.#response.writableEnded) abort();
  }

  /** All connections are in use, or one is being opened. */
  #waitForConnection(): void {
    const { connectTimeoutSeconds, timeoutSeconds } = this.#options;
    if (timeoutSeconds === 0 || this.#response.writableEnded) return;
    const milliseconds = (connectTimeoutSeconds + timeoutSeconds) * 1000;
    const giveUp = () => {
      this.#fail({ status: 504, code: 'UND_ERR_CONNECT_TIMEOUT' });
      this.#body?.destroy();
    };
    this.#waiting = setTimeout(giveUp, milliseconds);
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    // interim answers concern the hop behind us
    if (status < 200) return true;
    const response = this.#response;
    // undici does not know that a request was given up before it had a connection
    if (response.headersSent || isGone(response)) return true;
    const answer = new Answer(this.#request, response, this.#changes.responseFields);
    try {
      answer.begin(status, raw, resume, reason);
    } catch {
      clearHead(response);
      this.#fail({ status: 502, code: 'ERR_MALFORMED_RESPONSE' });
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
    const response = this.#response;
    const failure = toFailure(error);
    if (isGone(response) || response.writableEnded) return;
    if (this.#answer !== undefined) {
      if (this.#answer.breakOff()) this.#changes.onBreak?.(failure.code);
      return;
    }
    if (this.#mayRetry(failure.code)) {
      this.#isRetried = true;
      this.#pool.dispatch(this.#dispatch as Dispatcher.DispatchOptions, this);
      return;
    }
    this.#fail(failure);
  }

  #mayRetry(code: string): boolean {
    const { method } = this.#request;
    const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    return isSafe && !this.#isRetried && this.#body === undefined && isStaleConnection(code);
  }

  #fail(failure: Failure): void {
    this.#report(failure.status, failure.code);
    clearTimeout(this.#waiting);
    writeFailure(this.#response, failure);
  }

  #onClientGone(): void {
    // HTTP/2's calls itself finished when its stream is closed, whoever closed it
    if (this.#response.writableFinished && this.#response.writableEnded) return;
    this.#report(499);
    clearTimeout(this.#waiting);
    this.#abort?.();
    this.#body?.destroy();
  }

  #report(status: number, error?: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const durationSeconds = (performance.now() - this.#startedAt) / 1000;
    this.#changes.onOutcome?.({ status, durationSeconds, ...(error === undefined ? {} : { error }) });
  }
}
