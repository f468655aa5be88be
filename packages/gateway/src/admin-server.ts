import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  isReady(): boolean;
  /** The metrics in Prometheus' text format, with its media type. */
  collect(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** `/healthz`: the process answers. `/readyz`: it takes requests. `/metrics`: for Prometheus. Resolves with its URL. */
export async function startAdminServer({ host, port, isReady, collect }: AdminOptions): Promise<string> {
  const server = createServer(async (request, response) => {
    const say = (status: number, text: string, contentType = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(text);
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') say(405, 'only GET and HEAD\n');
    else if (path === '/healthz') say(200, 'ok\n');
    else if (path === '/readyz') isReady() ? say(200, 'ready\n') : say(503, 'not ready\n');
    else if (path === '/metrics')
      await collect().then(
        ({ text, contentType }) => say(200, text, contentType),
        () => say(500, 'the metrics could not be collected\n'),
      );
    else say(404, 'there are /healthz, /readyz and /metrics\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // it must not keep a process alive that has nothing else to do
  server.unref();
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}
