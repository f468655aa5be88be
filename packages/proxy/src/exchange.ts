import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { type Failure, isStaleConnection, toFailure, writeFailure } from './failure.js';
import type { ForwardChanges } from './forward-changes.js';
import type { ResolvedForwarderOptions } from './forwarder-options.js';
import { hasBody, readBody, tooLarge } from './request-body.js';
import { buildRequestFields } from './request-fields.js';
import { buildResponseFields, buildTrailers, isBodiless } from './response-fields.js';

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
  #body: Readable | undefined;
  #resume: (() => void) | undefined;
  #isRetried = false;
  #isReported = false;
  #hasBody = false;
  /** Bytes that are still to come, where the upstream said how many. */
  #remaining = Number.NaN;

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
    this.#pool.dispatch(this.#dispatch, this);
  }

  onConnect(abort: () => void): void {
    this.#abort = abort;
    if (isGone(this.#response)) abort();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    // interim answers concern the hop behind us
    if (status < 200) return true;
    this.#report(status);
    const response = this.#response;
    const fields = buildResponseFields(raw, status);
    fields.push(...(this.#changes.responseFields ?? []));
    this.#resume = resume;
    if (this.#request.httpVersionMajor === 2) {
      response.writeHead(status, groupFields(fields) as never);
      if (isBodiless(status)) response.end();
      return true;
    }
    this.#remaining = contentLength(fields);
    response.writeHead(status, statusText, fields);
    // the client library waits for the stated length, and fails
    if (isBodiless(status)) response.end();
    else if (Number.isNaN(this.#remaining)) setImmediate(() => this.#flush());
    return true;
  }

  onData(chunk: Buffer): boolean {
    const response = this.#response;
    this.#hasBody = true;
    this.#remaining -= chunk.length;
    if (this.#remaining === 0) {
      // header and body leave in one write
      response.end(chunk);
      return true;
    }
    if (response.write(chunk)) return true;
    response.once('drain', this.#resume as () => void);
    return false;
  }

  onComplete(raw: readonly (string | Buffer)[] | null): void {
    const response = this.#response;
    if (response.writableEnded) return;
    if (raw !== null && raw.length > 0) response.addTrailers(buildTrailers(raw));
    response.end();
  }

  onError(error: Error): void {
    const response = this.#response;
    const failure = toFailure(error);
    if (isGone(response) || response.writableEnded) return;
    if (response.headersSent) {
      // what was announced will not come; only a broken connection tells the client so
      breakOff(response);
      return;
    }
    if (this.#mayRetry(failure.code)) {
      this.#isRetried = true;
      this.#pool.dispatch(this.#dispatch as Dispatcher.DispatchOptions, this);
      return;
    }
    this.#fail(failure);
  }

  /** A stream may be silent for long after its head, which is not to wait; a body that is there already goes with it. */
  #flush(): void {
    const response = this.#response;
    if (!(this.#hasBody || response.writableEnded || response.destroyed)) response.flushHeaders();
  }

  #mayRetry(code: string): boolean {
    const { method } = this.#request;
    const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    return isSafe && !this.#isRetried && this.#body === undefined && isStaleConnection(code);
  }

  #fail(failure: Failure): void {
    this.#report(failure.status, failure.code);
    writeFailure(this.#response, failure);
  }

  #onClientGone(): void {
    // HTTP/2's calls itself finished when its stream is closed, whoever closed it
    if (this.#response.writableFinished && this.#response.writableEnded) return;
    this.#report(499);
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

const streamOf = (response: ServerResponse) => (response as unknown as Partial<Http2ServerResponse>).stream;

const isGone = (response: ServerResponse) => response.destroyed || streamOf(response)?.destroyed === true;

/** Ends the answer in such a way that nobody takes it for complete. */
function breakOff(response: ServerResponse): void {
  const stream = streamOf(response);
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

function contentLength(fields: readonly string[]): number {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(fields[index + 1]);
  }
  return Number.NaN;
}

/** HTTP/2's responses take several values of a field together only. */
function groupFields(fields: readonly string[]): Record<string, string | string[]> {
  const grouped: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    const value = fields[index + 1] as string;
    const before = grouped[name];
    grouped[name] = before === undefined ? value : [...[before].flat(), value];
  }
  return grouped;
}
