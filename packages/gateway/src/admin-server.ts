import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './request-body.js';
import { parseRevocation, type Revocation } from './revocation.js';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** What `POST /revocations` must bring as a bearer token. Without it nothing can be revoked here. */
  readonly revocationSecret?: string | undefined;
  isReady(): boolean;
  /** The metrics in Prometheus' text format, with its media type. */
  collect(): Promise<{ readonly text: string; readonly contentType: string }>;
  /** Rejects when not everybody could be told. */
  revoke(revocation: Revocation): Promise<void>;
}

/** The largest body. Bytes. */
const maxBody = 65_536;

/**
 * `/healthz`: the process answers. `/readyz`: it takes requests. `/metrics`: for Prometheus. `POST /revocations`: forgets
 * tokens. Resolves with its URL.
 */
export async function startAdminServer(options: AdminOptions): Promise<string> {
  const { host, port, revocationSecret, isReady, collect } = options;

  async function respond(request: IncomingMessage): Promise<Answer> {
    const path = request.url?.split('?')[0];
    if (path === '/revocations' && revocationSecret !== undefined)
      return revoke(request, revocationSecret, options.revoke);
    if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'only GET and HEAD\n'];
    if (path === '/healthz') return [200, 'ok\n'];
    if (path === '/readyz') return isReady() ? [200, 'ready\n'] : [503, 'not ready\n'];
    if (path !== '/metrics') return [404, 'there are /healthz, /readyz and /metrics\n'];
    try {
      const { text, contentType } = await collect();
      return [200, text, contentType];
    } catch {
      return [500, 'the metrics could not be collected\n'];
    }
  }

  const server = createServer((request, response) => {
    const answer = ([status, text, contentType = 'text/plain; charset=utf-8']: Answer) => {
      if (response.destroyed) return;
      response
        .writeHead(status, {
          'Content-Type': contentType,
          'Cache-Control': 'no-store',
          ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="admin"' }),
        })
        .end(text);
    };
    // who leaves in the middle of a body wants no answer
    respond(request).then(answer, () => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // it must not keep a process alive that has nothing else to do
  server.unref();
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

type Answer = readonly [status: number, text: string, contentType?: string];

async function revoke(
  request: IncomingMessage,
  secret: string,
  revokeEverywhere: AdminOptions['revoke'],
): Promise<Answer> {
  if (request.method !== 'POST') return [405, 'only POST\n'];
  if (!isEqual(request.headers.authorization ?? '', `Bearer ${secret}`)) return [401, 'not authorized\n'];
  const body = await readBody(request, maxBody);
  if (body === undefined) return [413, `at most ${maxBody} bytes\n`];
  const revocation = parseRevocation(body);
  if (revocation === undefined)
    return [400, 'must be JSON with one of token, sub and sid, and perhaps issuer\n'];
  try {
    await revokeEverywhere(revocation);
    return [204, ''];
  } catch (error) {
    if (error instanceof TypeError) return [400, `${error.message}\n`];
    return [502, 'revoked here; not everybody else could be told\n'];
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const isEqual = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));
