import { hopByHop } from './hop-by-hop.js';
import { fieldName, rememberKinds } from './name-kinds.js';

/** What a reader of a response tells of it. */
export interface ResponseSink {
  /** Interim answers aside. `length`: of the body, where it is known beforehand; `undefined`: chunks, or until the end. */
  onHead(status: number, reason: string, fields: string, length: number | undefined): void;
  /** The chunk is only there during the call: what is kept of it must be copied. */
  onBody(chunk: Buffer): void;
  /** `reusable`: the connection may serve another request. */
  onEnd(trailers: string, reusable: boolean): void;
}

const headEnd = Buffer.from('\r\n\r\n');
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?$/;
/** Other reason phrases are not passed on: they mean nothing, and not every writer of heads takes them. */
const plainReason = /^[\t\x20-\x7e]*$/;
/** Lines that end with CRLF, without control characters. */
const plainLines = /^(?:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const bareLineFeed = /(?:^|[^\r])\n/;
const maxHeadBytes = 65_536;
const maxLineBytes = 8192;
const neverTrailers =
  /^(?:content-(?:length|encoding|type|range)|host|authorization|set-cookie|cache-control|www-authenticate|transfer-encoding)$/;

/** What a field means to us. */
type Kind = 'pass' | 'drop' | 'content-length' | 'transfer-encoding' | 'connection' | 'malformed';

const kindOf = rememberKinds((name): Kind => {
  if (!fieldName.test(name)) return 'malformed';
  const lower = name.toLowerCase();
  if (lower === 'content-length' || lower === 'transfer-encoding' || lower === 'connection') return lower;
  return hopByHop.has(lower) ? 'drop' : 'pass';
});

/** Thrown for what is no HTTP/1.1 response. */
class MalformedResponse extends Error {
  readonly code = 'ERR_MALFORMED_RESPONSE';
}

/** Reads the responses to GET on one connection, one after the other. */
export class ResponseReader {
  readonly #sink: ResponseSink;
  #state: 'head' | 'length' | 'size' | 'data' | 'data end' | 'trailers' | 'until end' = 'head';
  #pending: Buffer | undefined;
  #remaining = 0;
  #trailers = '';
  #reusable = true;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** @throws {MalformedResponse} */
  read(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#pending !== undefined) {
      bytes = Buffer.concat([this.#pending, chunk]);
      this.#pending = undefined;
    }
    for (let at = 0; at < bytes.length; ) {
      const next = this.#step(bytes, at);
      if (next === -1) {
        this.#pending = Buffer.from(bytes.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The connection has ended: true where that is how the body was to end. */
  end(): boolean {
    if (this.#state !== 'until end') return false;
    this.#finish(false);
    return true;
  }

  #step(bytes: Buffer, at: number): number {
    if (this.#state === 'head') return this.#readHead(bytes, at);
    if (this.#state === 'until end') {
      this.#sink.onBody(at === 0 ? bytes : bytes.subarray(at));
      return bytes.length;
    }
    if (this.#state === 'length' || this.#state === 'data') {
      const end = Math.min(bytes.length, at + this.#remaining);
      this.#remaining -= end - at;
      const isDone = this.#remaining === 0;
      this.#sink.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
      if (isDone && this.#state === 'data') this.#state = 'data end';
      else if (isDone) this.#finish(end === bytes.length);
      return end;
    }
    return this.#readLine(bytes, at);
  }

  #readHead(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(headEnd, at);
    if ((end === -1 ? bytes.length : end) - at > maxHeadBytes)
      throw new MalformedResponse('the head is too large');
    if (end === -1) {
      // nobody knows where such a head ends
      if (bareLineFeed.test(bytes.toString('latin1', at))) throw new MalformedResponse('a line ends with LF');
      return -1;
    }
    this.#judge(bytes.toString('latin1', at, end + 2), bytes.length === end + 4);
    return end + 4;
  }

  #judge(head: string, isAll: boolean): void {
    const lineEnd = head.indexOf('\r\n');
    const [, minor, code, phrase = ''] = statusLine.exec(head.slice(0, lineEnd)) ?? [];
    if (code === undefined) throw new MalformedResponse('the status line is malformed');
    const status = Number(code);
    // we asked for no other protocol
    if (status === 101) throw new MalformedResponse('the protocol was switched');
    if (status < 200) return;
    if (!plainLines.test(head.slice(lineEnd + 2))) throw new MalformedResponse('a field is malformed');
    let fields = '';
    let length: number | undefined;
    let isChunked = false;
    let nominated: Set<string> | undefined;
    const reason = plainReason.test(phrase) ? phrase : '';
    this.#reusable = minor === '1';
    for (let from = lineEnd + 2; from < head.length; ) {
      const to = head.indexOf('\r\n', from);
      const colon = head.indexOf(':', from);
      const kind = colon === -1 || colon > to ? 'malformed' : kindOf(head.slice(from, colon));
      if (kind === 'malformed') throw new MalformedResponse('a field is malformed');
      if (kind === 'pass') {
        fields += head.slice(from, to + 2);
      } else if (kind === 'content-length') {
        const value = head.slice(colon + 1, to).trim();
        if (!/^\d{1,15}$/.test(value) || length !== undefined)
          throw new MalformedResponse('the length is malformed');
        length = Number(value);
      } else if (kind === 'transfer-encoding') {
        if (
          isChunked ||
          head
            .slice(colon + 1, to)
            .trim()
            .toLowerCase() !== 'chunked'
        )
          throw new MalformedResponse('the transfer coding is not chunked');
        isChunked = true;
      } else if (kind === 'connection') {
        for (const option of head
          .slice(colon + 1, to)
          .toLowerCase()
          .split(',')) {
          const word = option.trim();
          if (word === 'close') this.#reusable = false;
          else if (word !== 'keep-alive') {
            nominated ??= new Set();
            nominated.add(word);
          }
        }
      }
      from = to + 2;
    }
    if (isChunked && length !== undefined) throw new MalformedResponse('the length is stated twice');
    if (nominated !== undefined) fields = withoutNominated(fields, nominated);
    if (status === 204 || status === 304) {
      this.#sink.onHead(status, reason, fields, 0);
      this.#finish(isAll);
      return;
    }
    this.#sink.onHead(status, reason, fields, length);
    if (isChunked) this.#state = 'size';
    else if (length === undefined) this.#state = 'until end';
    else if (length === 0) this.#finish(isAll);
    else {
      this.#state = 'length';
      this.#remaining = length;
    }
  }

  #readLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if (end === -1) {
      if (bytes.length - at > maxLineBytes) throw new MalformedResponse('a line is too long');
      return -1;
    }
    const line = bytes.toString('latin1', at, end);
    if (this.#state === 'data end') {
      if (line !== '') throw new MalformedResponse('a chunk does not end');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const [, size] = /^([\da-f]{1,13})[\t ]*(?:;.*)?$/i.exec(line) ?? [];
      if (size === undefined) throw new MalformedResponse('a chunk has no size');
      this.#remaining = Number.parseInt(size, 16);
      this.#state = this.#remaining === 0 ? 'trailers' : 'data';
    } else if (line === '') {
      this.#finish(end + 2 === bytes.length);
    } else {
      const [, name] = /^([!#$%&'*+\-.^_`|~\w]+):[\t\x20-\x7e\x80-\xff]*$/.exec(line) ?? [];
      if (name === undefined || this.#trailers.length > maxLineBytes)
        throw new MalformedResponse('a trailer is malformed');
      const lower = name.toLowerCase();
      if (!neverTrailers.test(lower) && !hopByHop.has(lower)) this.#trailers += `${line}\r\n`;
    }
    return end + 2;
  }

  /** `isClean`: no bytes follow, which would belong to no request of ours. */
  #finish(isClean: boolean): void {
    const trailers = this.#trailers;
    this.#trailers = '';
    this.#state = 'head';
    this.#sink.onEnd(trailers, isClean && this.#reusable);
  }
}

function withoutNominated(fields: string, nominated: ReadonlySet<string>): string {
  return fields
    .split('\r\n')
    .filter((line) => line !== '' && !nominated.has(line.slice(0, line.indexOf(':')).toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join('');
}
