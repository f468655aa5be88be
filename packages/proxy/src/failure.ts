import { type ServerResponse, STATUS_CODES } from 'node:http';
import { breakOff, streamOf } from './client-response.js';

/** An answer of our own, when there is none to pass on. */
export interface Failure {
  readonly status: 400 | 413 | 502 | 504;
  /** For logs and metrics. */
  readonly code: string;
}

const timeouts = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

const texts = {
  400: ['invalid_request', 'the request cannot be forwarded'],
  413: ['invalid_request', 'the request body is too large'],
  502: ['server_error', 'the upstream gave no usable answer'],
  504: ['temporarily_unavailable', 'the upstream did not answer in time'],
} as const;

/** Why there is no answer. What the error says stays here: it names hosts and ports. */
export function toFailure(error: unknown): Failure {
  const { code } = error as { code?: unknown };
  const known = typeof code === 'string' ? code : 'ERR_UPSTREAM';
  if (known === 'ERR_TOO_LARGE') return { status: 413, code: known };
  if (known === 'UND_ERR_INVALID_ARG') return { status: 400, code: known };
  return { status: timeouts.has(known) ? 504 : 502, code: known };
}

/** Answers, or breaks the connection where nothing can be said on it any more. */
export function writeFailure(response: ServerResponse, { status }: Failure): void {
  const [error, error_description] = texts[status];
  // what the client still sends would be taken for its next request
  if (status === 413) response.shouldKeepAlive = false;
  const body = JSON.stringify({ error, error_description });
  const fields = {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(body),
  };
  try {
    // HTTP/2 knows no reason phrase
    if (streamOf(response) === undefined) response.statusMessage = STATUS_CODES[status] as string;
    response.writeHead(status, fields).end(body);
  } catch {
    breakOff(response);
  }
}

/** Takes back what a head that failed has left behind. */
export function clearHead(response: ServerResponse): void {
  if (response.headersSent) return;
  for (const name of response.getHeaderNames()) response.removeHeader(name);
}

/** The upstream closed a kept connection just as we used it; nothing was answered, so asking again is safe. */
export const isStaleConnection = (code: string) =>
  code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
