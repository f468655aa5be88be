import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** A refusal of the gateway's own, in fixed texts; those about tokens come from core. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const refusal = (status: number, error: string, error_description: string, headers = {}): Refusal => ({
  status,
  headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
  body: JSON.stringify({ error, error_description }),
});

export const badRequest = refusal(400, 'invalid_request', 'the request is malformed');
export const notFound = refusal(404, 'not_found', 'there is no such route');
export const methodNotAllowed = refusal(405, 'invalid_request', 'the method is not supported', {
  Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
});
export const cannotUpgrade = refusal(501, 'invalid_request', 'the protocol is not supported');
export const failed = refusal(500, 'server_error', 'the request could not be handled');

export const upstreamFailed = refusal(502, 'server_error', 'the upstream gave no usable answer');
export const upstreamTooSlow = refusal(504, 'temporarily_unavailable', 'the upstream did not answer in time');

/** Writes a refusal, without its body where HEAD asked. */
export function refuse(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) }).end(body);
}

/** The same on a connection that asked for another protocol, and is closed. */
export function refuseUpgrade(socket: Duplex, { status, headers, body }: Refusal): void {
  const fields = { ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
