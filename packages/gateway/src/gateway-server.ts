import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import {
  type AddressInfo,
  createServer as createNetServer,
  Server as NetServer,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { emptyBacklog } from './backlog.js';
import { framingRefusals, refusalOf } from './client-errors.js';
import type { Config } from './config-schema.js';
import { createFastLane } from './fast-lane.js';
import { guardFraming, leaveUnguarded } from './framing-guard.js';
import { KeptConnections } from './kept-connections.js';
import { methodNotAllowed, refuse, refuseUpgrade } from './refusal.js';
import type { Runtime } from './runtime.js';

/** The listening side: connections in, requests to the runtime of the moment. */
export interface GatewayServer {
  readonly url: string;
  /** From now on requests go to this one. */
  use(runtime: Runtime): void;
  /** Resolves when it accepts no more connections. */
  close(): Promise<void>;
  /** Does so too, answers what is under way, and resolves when all connections have ended. */
  drain(): Promise<void>;
}

/** How long a kept connection may stay silent once we drain. Milliseconds. */
const quietPeriod = 1000;

/** @throws what listening throws, such as EADDRINUSE. */
export async function startServer(config: Config, first: Runtime): Promise<GatewayServer> {
  const { listen, limits } = config;
  let runtime = first;
  const connections = new KeptConnections();
  const sessions = new Set<ServerHttp2Session>();

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (connections.isRefused(request.socket)) return;
    if (request.httpVersionMajor === 1) connections.begin(response);
    runtime.handle(request, response);
  };
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // an aborted connection is reported to nobody else
    socket.on('error', () => socket.destroy());
    leaveUnguarded(request.socket);
    connections.release(request.socket);
    if (!connections.isRefused(request.socket)) runtime.upgrade(request, socket, head);
  };
  const onConnect = (request: IncomingMessage, socket: Duplex) => {
    if (request.httpVersionMajor === 2) {
      // its second argument is a response then
      refuse(socket as never, methodNotAllowed);
      return;
    }
    socket.on('error', () => socket.destroy());
    leaveUnguarded(request.socket);
    if (!connections.isRefused(request.socket)) refuseUpgrade(socket, methodNotAllowed);
  };
  const onClientError = (error: Error & { code?: string; rawPacket?: Buffer }, socket: Duplex) => {
    const refusal = refusalOf(error);
    if (refusal === undefined) socket.destroy();
    else connections.refuse(socket as Socket, refusal);
  };

  const onConnection = (socket: Socket) => {
    connections.add(socket);
    guardFraming(socket, limits, (error) => connections.refuse(socket, framingRefusals[error]));
  };

  const server =
    listen.tls === undefined
      ? createPlain(limits, onConnection)
      : createSecure(listen.tls, limits, sessions, onConnection);
  server.on('request', onRequest as never);
  server.on('checkContinue', onRequest as never);
  server.on('upgrade', onUpgrade);
  server.on('connect', onConnect);
  server.on('clientError', onClientError);
  const lane =
    listen.tls === undefined
      ? createFastLane({
          find: (path) => runtime.findFast(path),
          handOver: handOverTo(server as Server),
          limits,
        })
      : undefined;
  const door: NetServer =
    lane === undefined
      ? server
      : createDoor(server as Server, (socket) => {
          // a reload may switch the lane on or off
          if (runtime.beginsFast) lane.accept(socket);
          else server.emit('connection', socket);
        });
  await new Promise<void>((resolve, reject) => {
    door.once('error', reject);
    door.listen(listen.port, listen.host, resolve);
  });

  const closed = new Promise<void>((resolve) => door.once('close', resolve));
  let closing: Promise<void> | undefined;
  const close = () => {
    // not the HTTP server's own close, which would break off connections whose next request is on its way
    closing ??= emptyBacklog(door).then(() => void NetServer.prototype.close.call(door));
    return closing;
  };

  return {
    url: formatUrl(listen.tls === undefined ? 'http' : 'https', door.address() as AddressInfo),
    use(next) {
      runtime = next;
    },
    close,
    async drain() {
      // first, since clients whose connection ends with an answer come back on another one
      await close();
      lane?.drain();
      connections.drain();
      // GOAWAY says which streams came too late; those are safe to send again (RFC 9113 §6.8)
      const closeSessions = () => {
        for (const session of sessions) session.close();
      };
      closeSessions();
      const closeQuiet = () => {
        lane?.closeQuiet();
        connections.closeQuiet();
        // one may have been about to begin
        closeSessions();
      };
      // not before the event loop has looked at what came, perhaps while the machine stood still
      const timer = setInterval(() => setImmediate(closeQuiet), quietPeriod);
      await closed;
      clearInterval(timer);
    },
  };
}

/** Listens for both lanes. */
function createDoor(general: Server, accept: (socket: Socket) => void): NetServer {
  // an HTTP server that does not listen itself would not watch over its time limits
  general.emit('listening');
  return createNetServer({ noDelay: true, allowHalfOpen: true }, accept);
}

const handOverTo = (general: Server) => (socket: Socket, bytes: Buffer | undefined) => {
  general.emit('connection', socket);
  if (bytes !== undefined) socket.unshift(bytes);
};

type Limits = Config['limits'];

const timing = ({ headersTimeoutSeconds, keepAliveSeconds, maxHeaderBytes }: Limits) => ({
  headersTimeout: headersTimeoutSeconds * 1000,
  // bodies may take as long as they like while they move
  requestTimeout: 0,
  keepAliveTimeout: keepAliveSeconds * 1000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: maxHeaderBytes,
});

function createPlain(limits: Limits, onConnection: (socket: Socket) => void): Server {
  const server = createHttpServer({ ...timing(limits), noDelay: true });
  server.timeout = limits.idleTimeoutSeconds * 1000;
  // the guard counts fields; Node would drop what is too many without a word
  server.maxHeadersCount = 0;
  server.on('connection', onConnection);
  return server;
}

function createSecure(
  { certFile, keyFile, clientCertificates, clientCaFile }: NonNullable<Config['listen']['tls']>,
  limits: Limits,
  sessions: Set<ServerHttp2Session>,
  onConnection: (socket: Socket) => void,
): Http2SecureServer {
  const server = createSecureServer({
    allowHTTP1: true,
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    // without authorities any certificate will do: a token names the one that it is bound to (RFC 8705 §3)
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'require',
    ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile) }),
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.headersTimeoutSeconds * 1000,
    maxHeaderListPairs: limits.maxHeaders,
    settings: {
      maxHeaderListSize: limits.maxHeaderBytes,
      maxConcurrentStreams: 100,
      enableConnectProtocol: false,
    },
    ...timing(limits),
  });
  server.setTimeout(limits.idleTimeoutSeconds * 1000);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') onConnection(socket);
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  return server;
}

function formatUrl(scheme: string, { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
