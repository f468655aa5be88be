import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

interface Call {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly form: URLSearchParams;
}

export type Answer = (response: ServerResponse, call: Call) => void;

/** Longer than any machine stands still: an answer that is to count must not come too late for it. */
export const patientSeconds = 60;

/** A real HTTP server that answers as told and keeps what it was asked; closed when the test ends. */
export async function startServer(answer: Answer) {
  const calls: Call[] = [];
  const server = {
    answer,
    calls,
    origin: '',
    endpoint: '',
    /** For a client that asks this server, and waits for what it says. */
    get asked() {
      return { introspectionEndpoint: this.endpoint, timeoutSeconds: patientSeconds };
    },
  };
  server.origin = await listen(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    const call = { method, url, headers, body, form: new URLSearchParams(body) };
    calls.push(call);
    server.answer(response, call);
  });
  server.endpoint = `${server.origin}/introspect`;
  return server;
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    // the clocks of tests are their own
    response.sendDate = false;
    listener(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT in shape only; nothing here checks its signature. */
export const unsignedJwt = (claims: object = {}, header: object = { alg: 'RS256', typ: 'at+jwt' }) =>
  `${segment(header)}.${segment(claims)}.c2lnbmF0dXJl`;

export const jwtAnswer =
  (jwt: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(200, { 'Content-Type': 'application/jwt', ...headers }).end(jwt);

export const jsonAnswer =
  (body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));

export const statusAnswer =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end();
