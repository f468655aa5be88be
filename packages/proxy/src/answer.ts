import type { IncomingMessage, ServerResponse } from 'node:http';
import { breakOff, isGone } from './client-response.js';
import { groupFields } from './grouped-fields.js';
import { buildResponseFields, buildTrailers, isBodiless, isDoubtful } from './response-fields.js';

/** Thrown for an answer whose end is open to doubt. */
class DoubtfulAnswer extends Error {
  readonly code = 'ERR_MALFORMED_RESPONSE';
}

/** Visible ASCII: Node refuses other reason phrases, which mean nothing anyway (RFC 9112 §4). */
const plainReason = /^[\t\x20-\x7e]*$/;

/** The upstream's answer on its way to the client, at the client's pace. */
export class Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #ownFields: readonly string[] | undefined;
  #resume: (() => void) | undefined;
  #hasBody = false;
  /** Bytes that are still to come, where the upstream said how many. */
  #remaining = Number.NaN;

  /** @param ownFields Added to the upstream's, names and values in turn. */
  constructor(request: IncomingMessage, response: ServerResponse, ownFields: readonly string[] | undefined) {
    this.#request = request;
    this.#response = response;
    this.#ownFields = ownFields;
  }

  /** @throws where the upstream's head is none that a client can be given. */
  begin(status: number, raw: Buffer[], resume: () => void, reason: string): void {
    const response = this.#response;
    if (isDoubtful(raw)) throw new DoubtfulAnswer('the transfer coding is not chunked');
    const fields = buildResponseFields(raw, status);
    if (this.#ownFields !== undefined) fields.push(...this.#ownFields);
    this.#resume = resume;
    if (this.#request.httpVersionMajor === 2) {
      response.writeHead(status, groupFields(fields) as never);
      if (isBodiless(status)) response.end();
      return;
    }
    response.writeHead(status, plainReason.test(reason) ? reason : '', fields);
    this.#remaining = contentLength(fields);
    // the client library waits for the stated length, and fails
    if (isBodiless(status)) response.end();
    else if (Number.isNaN(this.#remaining)) setImmediate(() => this.#flush());
  }

  /** False: no more for now. */
  write(chunk: Buffer): boolean {
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

  end(rawTrailers: readonly (string | Buffer)[] | null): void {
    const response = this.#response;
    if (response.writableEnded) return;
    if (rawTrailers !== null && rawTrailers.length > 0) this.#addTrailers(buildTrailers(rawTrailers));
    response.end();
  }

  /** What was announced will not come: true where the client is told so, which only a broken connection does. */
  breakOff(): boolean {
    if (isGone(this.#response) || this.#response.writableEnded) return false;
    breakOff(this.#response);
    return true;
  }

  #addTrailers(fields: readonly string[]): void {
    const response = this.#response;
    if (this.#request.httpVersionMajor === 2) {
      response.addTrailers(groupFields(fields) as never);
      return;
    }
    const pairs: [string, string][] = [];
    for (let index = 0; index < fields.length; index += 2)
      pairs.push([fields[index] as string, fields[index + 1] as string]);
    response.addTrailers(pairs);
  }

  /** A stream may be silent for long after its head, which is not to wait; a body that is there already goes with it. */
  #flush(): void {
    const response = this.#response;
    if (!(this.#hasBody || response.writableEnded || response.destroyed)) response.flushHeaders();
  }
}

function contentLength(fields: readonly string[]): number {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(fields[index + 1]);
  }
  return Number.NaN;
}
