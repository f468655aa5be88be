import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startGateway, startGatewayProcess } from './gateway.js';
import { onEnd } from './lifetime.js';
import { admin, startAuthorizationServer, startUpstream } from './stage.js';

const pathOf = (name: string) => fileURLToPath(new URL(`../../core/test/tls/${name}`, import.meta.url));
export const ca = readFileSync(pathOf('ca.pem'));
const listenTls = { port: 0, tls: { certFile: pathOf('server.pem'), keyFile: pathOf('server.key') } };

const stageWith =
  <G>(start: (config: object) => Promise<G>) =>
  async (more: object = {}, listener?: Parameters<typeof startUpstream>[0]) => {
    const upstream = await startUpstream(listener);
    const authorizationServer = await startAuthorizationServer();
    const { introspection } = authorizationServer;
    const routes = [{ path: '/', upstream: upstream.url, requiredScopes: ['read'] }];
    const gateway = await start({ listen: listenTls, admin, introspection, routes, ...more });
    return { gateway, upstream, ...authorizationServer };
  };

/** A gateway behind TLS, with what stands behind it. */
export const startTlsGateway = stageWith(startGateway);

/** The same in a process of its own. */
export const startTlsGatewayProcess = stageWith(startGatewayProcess);

export function openSession(url: string): ClientHttp2Session {
  const session = connect(url, { ca });
  session.on('error', () => {});
  onEnd(() => session.destroy());
  return session;
}

export interface H2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** What a stream is answered. */
export function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('response', (headers) =>
      text(stream).then((body) => resolve({ status: Number(headers[':status']), headers, body }), reject),
    );
  });
}

export const askH2 = (session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string) => {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
};
