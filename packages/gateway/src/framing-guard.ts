import type { Socket } from 'node:net';
import { isPlausibleHost } from './plausible-host.js';

// Servers that disagree on where a request ends take one request for two (request smuggling). Node's parser lets some of
// what makes them disagree pass; this reads the same bytes first and takes no request whose end is open to doubt.

/** Why a connection is not read any further. */
export type FramingError = 'malformed' | 'too_large';

const headEnd = Buffer.from('\r\n\r\n');
/** A line folded or with space before its colon, a bare CR or LF, NUL. */
const doubtful = /\n[ \t]|\r(?!\n)|[^\r]\n|\n[^:\r]*[ \t]:|\0/;
const requestLine = /^\S+ \S+ HTTP\/1\.([01])(?:\r|$)/;
const framingFields = /\n(content-length|transfer-encoding|host|connection)[ \t]*:[ \t]*([^\r]*)/gi;
const chunkSize = /^[0-9a-f]{1,15}$/i;
/** The longest line of a chunked body outside its data: sizes and trailers. */
const maxLineBytes = 8192;

export interface FramingGuardOptions {
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

/** Follows the requests on one connection. Give it every chunk before the parser has it. */
class FramingGuard {
  readonly #options: FramingGuardOptions;
  /** The start of a head or of a line whose end has not come yet. */
  #pending: Buffer | undefined;
  /** Bytes of a body, or of a chunk and the line end behind it, that are still to come. */
  #skip = 0;
  #state: 'head' | 'size' | 'data' | 'trailers' = 'head';
  /** The parser takes no request behind this one. */
  #isLast = false;

  constructor(options: FramingGuardOptions) {
    this.#options = options;
  }

  /** What is wrong with the bytes so far, if anything is. */
  read(chunk: Buffer): FramingError | undefined {
    let bytes = chunk;
    if (this.#pending !== undefined) {
      bytes = Buffer.concat([this.#pending, chunk]);
      this.#pending = undefined;
    }
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        at += skipped;
        this.#skip -= skipped;
        continue;
      }
      if (this.#state === 'head' && this.#isLast) return undefined;
      const next = this.#state === 'head' ? this.#readHead(bytes, at) : this.#readChunked(bytes, at);
      if (typeof next === 'string') return next;
      if (next === -1) {
        this.#pending = at === 0 ? bytes : bytes.subarray(at);
        return undefined;
      }
      at = next;
    }
    return undefined;
  }

  /** Where the head's end is; -1 where it has not come yet. */
  #readHead(bytes: Buffer, at: number): number | FramingError {
    // a line end before a request is tolerated (RFC 9112 §2.2)
    if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) return at + 2;
    const end = bytes.indexOf(headEnd, at);
    // the parser leaves colons and line ends out of its count
    if (end === -1) return bytes.length - at > this.#options.maxHeaderBytes * 2 ? 'too_large' : -1;
    return this.#judge(bytes.toString('latin1', at, end)) ?? end + 4;
  }

  #judge(head: string): FramingError | undefined {
    // a parser that knows other versions would read what follows by their rules
    const [, minor] = requestLine.exec(head) ?? [];
    if (minor === undefined || doubtful.test(head)) return 'malformed';
    if (countLines(head) > this.#options.maxHeaders) return 'too_large';
    let length: string | undefined;
    let coding: string | undefined;
    let hosts = 0;
    let connections = 0;
    let closes = false;
    framingFields.lastIndex = 0;
    for (let field = framingFields.exec(head); field !== null; field = framingFields.exec(head)) {
      const value = withoutBlanks(field[2] as string);
      switch ((field[1] as string).toLowerCase()) {
        case 'content-length':
          if (length !== undefined || !/^\d{1,15}$/.test(value)) return 'malformed';
          length = value;
          break;
        case 'transfer-encoding':
          if (coding !== undefined || value.toLowerCase() !== 'chunked') return 'malformed';
          coding = value;
          break;
        case 'host':
          if (!isPlausibleHost(value)) return 'malformed';
          hosts++;
          break;
        default:
          connections++;
          // with a blank behind it, it is none for the parser
          closes = field[2]?.toLowerCase() === 'close';
      }
    }
    if (hosts > 1 || (hosts === 0 && minor === '1') || (length !== undefined && coding !== undefined))
      return 'malformed';
    // chunks came with HTTP/1.1: a hop that speaks 1.0 sees no body there
    if (coding !== undefined && minor !== '1') return 'malformed';
    // only what no parser doubts: any other request is read on behind
    this.#isLast = connections === 0 ? minor === '0' : connections === 1 && closes;
    if (coding !== undefined) this.#state = 'size';
    else this.#skip = Number(length ?? 0);
    return undefined;
  }

  #readChunked(bytes: Buffer, at: number): number | FramingError {
    const end = bytes.indexOf('\r\n', at, 'latin1');
    if (end === -1) return bytes.length - at > maxLineBytes ? 'malformed' : -1;
    const line = bytes.toString('latin1', at, end);
    if (this.#state === 'data') {
      if (line !== '') return 'malformed';
      this.#state = 'size';
    } else if (this.#state === 'size') {
      if (!chunkSize.test(line)) return 'malformed';
      this.#skip = Number.parseInt(line, 16);
      this.#state = this.#skip === 0 ? 'trailers' : 'data';
    } else if (line === '') {
      this.#state = 'head';
    } else if (/[\r\n\0]/.test(line) || !/^[!#$%&'*+\-.^_`|~\w]+:/.test(line)) {
      return 'malformed';
    }
    return end + 2;
  }
}

function countLines(head: string): number {
  let lines = 0;
  for (let at = head.indexOf('\n'); at !== -1; at = head.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** Without the spaces and tabs at its end; what else is white to JavaScript is not to a parser. */
function withoutBlanks(value: string): string {
  let end = value.length;
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end--;
  return value.slice(0, end);
}

const listeners = new WeakMap<Socket, (chunk: Buffer) => void>();

/** Reads along on a connection that an HTTP server already listens to, until there is doubt. */
export function guardFraming(
  socket: Socket,
  options: FramingGuardOptions,
  onDoubt: (error: FramingError) => void,
): void {
  const guard = new FramingGuard(options);
  const listener = (chunk: Buffer) => {
    const error = guard.read(chunk);
    if (error === undefined) return;
    leaveUnguarded(socket);
    onDoubt(error);
  };
  listeners.set(socket, listener);
  // before the parser's own listener: by the time that it sees the bytes, the connection is refused
  socket.prependListener('data', listener);
}

/** The connection speaks another protocol from now on: for the server to say, which alone knows what its parser took it for. */
export function leaveUnguarded(socket: Socket): void {
  const listener = listeners.get(socket);
  if (listener !== undefined) socket.off('data', listener);
}
