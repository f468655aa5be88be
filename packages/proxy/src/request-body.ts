import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest } from 'node:http2';
import { type Readable, Transform } from 'node:stream';
import { streamOf } from './client-response.js';

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
  // an error is handled where the body is read
  body.on('error', () => {});
  body.on('close', () => request.unpipe(body));
  request.on('error', () => body.destroy());
  request.on('aborted', () => body.destroy());
  return request.pipe(body);
}

/** How long a client may go on with a body that nobody reads any more. Milliseconds. */
const dropMilliseconds = 10_000;

/** Once the request is answered: takes what is left of its body, so that the client gets to read the answer, and to ask again. */
export function dropRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  const stream = streamOf(response);
  if (stream !== undefined) {
    // the client need not go on (RFC 9113 §8.1)
    stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  request.unpipe();
  request.resume();
  const timer = setTimeout(() => request.destroy(), dropMilliseconds);
  for (const event of ['end', 'close']) request.once(event, () => clearTimeout(timer));
}
