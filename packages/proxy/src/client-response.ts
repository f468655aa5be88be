import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

// what is to be known of a client's response, be it HTTP/1.1's or HTTP/2's

/** The stream of an HTTP/2 response. */
export const streamOf = (response: ServerResponse) =>
  (response as unknown as Partial<Http2ServerResponse>).stream;

/** Nobody waits for it any more. */
export const isGone = (response: ServerResponse) =>
  response.destroyed || streamOf(response)?.destroyed === true;

/** Once all of the answer is on its way. HTTP/2's response says so when its stream is closed, which waits for the client. */
export function onAnswered(response: ServerResponse, listener: () => void): void {
  (streamOf(response) ?? response).once('finish', listener);
}

/** Ends the answer in such a way that nobody takes it for complete. */
export function breakOff(response: ServerResponse): void {
  const stream = streamOf(response);
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}
