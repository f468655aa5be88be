/** An HTTP/1.1 message (RFC 9112), request or response, as it stood on the wire. */
export interface HttpMessage {
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** What follows the message. */
  readonly rest: Buffer;
}

/**
 * How a body ends. Without a stated length a request has none, and a response's lasts until the connection ends. The
 * response to HEAD must have none whatever it states, so all that comes is shown.
 */
export type Framing = 'request' | 'response' | 'head-response';

/** The first message in the bytes, or `undefined` while it is not complete. `ended`: no more bytes will come. */
export function readMessage(bytes: Buffer, framing: Framing, ended: boolean): HttpMessage | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [startLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const fields = lines.map(parseField);
  const content = readContent(bytes.subarray(headEnd + 4), startLine, fields, framing, ended);
  return content && { startLine, fields, body: content.body.toString(), rest: content.rest };
}

/** The values of a field, joined with a comma where there are several. */
export function fieldValue(fields: HttpMessage['fields'], name: string): string | undefined {
  const values = fields
    .filter((field) => field[0].toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

interface Content {
  readonly body: Buffer;
  readonly rest: Buffer;
}

function readContent(
  bytes: Buffer,
  startLine: string,
  fields: HttpMessage['fields'],
  framing: Framing,
  ended: boolean,
): Content | undefined {
  if (framing !== 'head-response') {
    if (fieldValue(fields, 'transfer-encoding') === 'chunked') return readChunks(bytes);
    const length = fieldValue(fields, 'content-length');
    if (length !== undefined) return take(bytes, Number(length));
    if (framing === 'request' || / (?:204|304) /.test(startLine)) return take(bytes, 0);
  }
  return ended ? take(bytes, bytes.length) : undefined;
}

function take(bytes: Buffer, length: number): Content | undefined {
  return bytes.length < length
    ? undefined
    : { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function readChunks(bytes: Buffer): Content | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const start = lineEnd + 2;
    const end = start + Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (bytes.length < end + 2) return undefined;
    at = end + 2;
    if (end === start) return { body: Buffer.concat(chunks), rest: bytes.subarray(at) };
    chunks.push(bytes.subarray(start, end));
  }
}

function parseField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
