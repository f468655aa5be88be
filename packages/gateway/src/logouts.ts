import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogoutReceiver } from '@phantom-token/core';
import { readBody } from './request-body.js';

/** The largest logout request. Bytes. */
const maxBytes = 16_384;

/** Receives logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5). Resolves with the status that was answered. */
export async function receiveLogout(
  receiver: LogoutReceiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const answer = (status: number, headers: Readonly<Record<string, string>>, body = '') => {
    if (!response.destroyed) response.writeHead(status, headers).end(body);
    return status;
  };
  const unstored = { 'Cache-Control': 'no-store' };
  if (request.method !== 'POST') return answer(405, { ...unstored, Allow: 'POST' });
  const body = await readBody(request, maxBytes);
  if (body === undefined) return answer(413, { ...unstored, Connection: 'close' });
  const received = await receiver.receive(body, request.headers['content-type']);
  return answer(received.status, received.headers, received.body);
}
