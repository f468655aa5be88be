import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { type Readable, Transform } from 'node:stream';

class BodyTooLarge extends Error {
  readonly code = 'ERR_TOO_LARGE';
}

export const tooLarge = () => new BodyTooLarge('the request body is too large');

/** Whether a body follows, be it an empty one (RFC 9112 §6.3). */
export function hasBody(request: IncomingMessage): boolean {
  if (request.httpVersionMajor === 2)
    return !(request as unknown as Http2ServerRequest).stream.endAfterHeaders;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * The body as a stream of its own: whoever gives it up does not break the client's connection, which is still to be
 * answered. Ends with ERR_TOO_LARGE beyond the limit.
 */
export function readBody(request: IncomingMessage, response: ServerResponse, maxBytes: number): Readable {
  // the client waits for a word before it sends (RFC 9110 §10.1.1)
  if (request.headers.expect !== undefined) response.writeContinue();
  let size = 0;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > maxBytes) done(tooLarge());
      else done(null, chunk);
    },
  });
  body.on('error', () => request.unpipe(body));
  request.on('error', () => body.destroy());
  request.on('aborted', () => body.destroy());
  return request.pipe(body);
}
