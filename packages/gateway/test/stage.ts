import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  goodClaims,
  jwtType,
  patientSeconds,
  reply,
  type ScriptedServer,
  signJwt,
  startScriptedServer,
} from '@phantom-token/conformance';
import { onEnd } from './lifetime.js';

export interface Upstream {
  readonly url: string;
  readonly server: Server;
  /** What reached it so far. */
  readonly requests: IncomingMessage[];
  readonly sockets: ReadonlySet<Socket>;
}

/** An API that ends with the test, or with the file. Without a listener of its own it answers with the fields that it saw. */
export async function startUpstream(listener?: RequestListener): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    requests.push(request);
    if (listener !== undefined) return listener(request, response);
    request.resume();
    request.on('end', () => {
      const { method, url, rawHeaders } = request;
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ method, url, rawHeaders }));
    });
    return undefined;
  });
  // only the gateway ends connections, so that none ends as its next request comes
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, requests, sockets };
}

export interface AuthorizationServer {
  readonly server: ScriptedServer;
  readonly jwt: string;
  /** The configuration's `introspection`. */
  readonly introspection: object;
}

/** Claims of a token that passes everything, for a gateway: its clock is the real one. */
export const liveClaims = { ...goodClaims, exp: Math.floor(Date.now() / 1000) + 7200, scope: 'read' };

/** An authorization server for which every token is active, until it is told otherwise. */
export async function startAuthorizationServer(): Promise<AuthorizationServer> {
  const server = await startScriptedServer();
  onEnd(() => server.close());
  const text = await signJwt(liveClaims);
  server.answer(reply(200, jwtType, text));
  const clientAuth = { method: 'client_secret_basic', clientId: 'gateway', clientSecret: 'gateway-secret' };
  const introspection = { endpoint: server.endpoint, clientAuth, timeoutSeconds: patientSeconds };
  return { server, jwt: text, introspection };
}

export const listen = { port: 0 };
export const admin = { port: 0 };
