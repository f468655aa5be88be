import { createServer as createHttpServer } from 'node:http';
import { Agent, createServer, get, type RequestOptions, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { patientSeconds, unsignedJwt } from '../test/authorization-server.js';
import { certificate, pem, thumbprints, written } from '../test/certificates.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { type CertificateSource, socketCertificate } from './client-certificate.js';
import { type CreateFetchOptions, createFetch, proxyCertificate } from './node.js';
import { NodeRequest } from './node-request.js';

const ca = pem('ca.pem');

async function start(server: Server) {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An authorization server over TLS that notes requests, connections and client certificates. */
async function startTls(options: ServerOptions = {}) {
  const seen = { requests: 0, connections: 0, certificates: [] as unknown[] };
  const server = createServer({ ...certificate('server'), ...options }, (request, response) => {
    seen.requests++;
    seen.certificates.push((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
    response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(unsignedJwt());
  });
  // only the client ends a connection that nobody uses
  server.keepAliveTimeout = 0;
  server.on('secureConnection', () => seen.connections++);
  return { seen, url: `https://127.0.0.1:${await start(server)}/introspect` };
}

function makeFetch(options: CreateFetchOptions = {}) {
  const fetch = createFetch({ connectTimeoutSeconds: patientSeconds, ...options });
  onTestFinished(() => fetch.close());
  return fetch;
}

function exchange(introspectionEndpoint: string, options: CreateFetchOptions = {}) {
  const clientAuth = clientSecretBasic('gateway', 'sesame');
  const fetch = makeFetch(options);
  const timeoutSeconds = patientSeconds;
  return createPhantomTokenClient({ introspectionEndpoint, clientAuth, fetch, timeoutSeconds }).exchange('t');
}

const unreachable = expect.objectContaining({ code: 'ERR_UNREACHABLE', status: 502 });

afterEach(() => vi.unstubAllEnvs());

describe('createFetch', () => {
  it('trusts the given authorities', async () => {
    const { url } = await startTls();
    expect(await exchange(url, { ca })).toMatchObject({ source: 'introspection' });
    expect(await exchange(url, { ca: [Buffer.from(ca)] })).toMatchObject({ source: 'introspection' });
  });

  it.each<[string, ServerOptions, CreateFetchOptions]>([
    ['an unknown authority', {}, {}],
    ['another host', certificate('elsewhere'), { ca }],
    ['the past', certificate('expired'), { ca }],
    [
      'an old TLS version',
      { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      { ca },
    ],
  ])('sends nothing to a server of %s', async (_title, server, options) => {
    const { seen, url } = await startTls(server);
    await expect(exchange(url, options)).rejects.toThrow(unreachable);
    expect(seen.requests).toBe(0);
  });

  it('shows its client certificate', async () => {
    const { seen, url } = await startTls({ requestCert: true, ca });
    await exchange(url, { ca, ...certificate('client') });
    expect(seen.certificates).toEqual(['client']);
    await expect(exchange(url, { ca })).rejects.toThrow(unreachable);
  });

  it('keeps connections for the next request, and no more than allowed', async () => {
    const { seen, url } = await startTls();
    const fetch = makeFetch({ ca, connections: 1 });
    const ask = async () => (await fetch(url, { method: 'POST', body: 'token=t' })).text();
    await ask();
    await Promise.all([ask(), ask(), ask()]);
    expect(seen).toMatchObject({ requests: 4, connections: 1 });
  });

  it.each(['option', 'environment'])('goes through a proxy named by the %s', async (named) => {
    const { seen, url } = await startTls();
    const tunnels: Array<string | undefined> = [];
    const proxy = createHttpServer().on('connect', (request, socket) => {
      tunnels.push(request.url);
      const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
    });
    const address = `http://127.0.0.1:${await start(proxy)}`;
    vi.stubEnv('https_proxy', address);
    await exchange(url, { ca, proxy: named === 'option' ? address : 'environment' });
    expect(tunnels).toEqual([new URL(url).host]);
    expect(seen.requests).toBe(1);
  });

  it.each<[string, object]>([
    ['connections', { connections: 0 }],
    ['keepAliveSeconds', { keepAliveSeconds: 0 }],
    ['connectTimeoutSeconds', { connectTimeoutSeconds: -1 }],
    ['keepAliveSeconds', { keepAliveSeconds: 2_147_484 }],
    ['connectTimeoutSeconds', { connectTimeoutSeconds: 1e300 }],
    ...['', [], [''], 42, null, 'x', Uint8Array.of(48)].map((ca): [string, object] => ['ca', { ca }]),
    ['cert', { ...certificate('client'), cert: '' }],
    ['key', { ...certificate('client'), key: '' }],
    ['key', { ...certificate('client'), key: null }],
    ['passphrase', { ...certificate('client'), passphrase: '' }],
    ['cert', { cert: 'x' }],
    ['key', { key: 'x' }],
    ['proxy', { proxy: 'nowhere' }],
    ['timeout', { timeout: 1 }],
  ])('refuses a wrong %s', (name, options) => {
    expect(() => createFetch(options)).toThrow(TypeError);
    expect(() => createFetch(options)).toThrow(name);
  });
});

/** An HTTPS server that takes any client certificate, or none, and answers with what a source finds. */
async function startSource(source: CertificateSource, options: ServerOptions = {}) {
  const server = createServer(
    { ...certificate('server'), ca, requestCert: true, rejectUnauthorized: false, ...options },
    async (request, response) => {
      const found = await source.thumbprint(new NodeRequest(request));
      const resumed = (request.socket as TLSSocket).isSessionReused();
      response.end(JSON.stringify({ found, resumed }));
    },
  );
  const port = await start(server);
  return (how: RequestOptions = {}) =>
    new Promise<{ found?: string; resumed: boolean }>((resolve, reject) => {
      get({ host: '127.0.0.1', port, ca, ...how }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve(JSON.parse(body));
      }).on('error', reject);
    });
}

const headers = { 'Client-Cert': written['client-cert']('client') };

describe('socketCertificate, over TLS', () => {
  it.each(['client', 'elsewhere'] as const)('finds the certificate "%s"', async (name) => {
    const send = await startSource(socketCertificate);
    expect((await send(certificate(name))).found).toBe(thumbprints[name]);
  });

  it('finds nothing where the client shows none, and believes no header', async () => {
    const send = await startSource(socketCertificate);
    expect((await send({ headers })).found).toBeUndefined();
    expect((await send({ headers, ...certificate('elsewhere') })).found).toBe(thumbprints.elsewhere);
  });

  it('finds nothing where no certificate was asked for', async () => {
    const send = await startSource(socketCertificate, { requestCert: false });
    expect((await send(certificate('client'))).found).toBeUndefined();
  });

  it.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])('finds it in a resumed session of %s', async (version) => {
    const send = await startSource(socketCertificate, { minVersion: version, maxVersion: version });
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 1 });
    const how = { agent, ...certificate('client') };
    expect(await send(how)).toEqual({ found: thumbprints.client, resumed: false });
    expect(await send(how)).toEqual({ found: thumbprints.client, resumed: true });
  });
});

describe('proxyCertificate, over TLS', () => {
  const behind = (trustedProxies: string[]) => proxyCertificate({ format: 'client-cert', trustedProxies });

  it("believes the proxy's header, and does not take the proxy's own certificate for the client's", async () => {
    const send = await startSource(behind(['127.0.0.1']));
    expect((await send({ headers, ...certificate('elsewhere') })).found).toBe(thumbprints.client);
    expect((await send(certificate('elsewhere'))).found).toBeUndefined();
  });

  it('takes the header on two lines for none', async () => {
    const send = await startSource(behind(['127.0.0.1']));
    const twice = { 'Client-Cert': [headers['Client-Cert'], headers['Client-Cert']] };
    expect((await send({ headers: twice })).found).toBeUndefined();
  });

  it('ignores the header of anybody else, even of one who has the certificate', async () => {
    const send = await startSource(behind(['10.0.0.0/8']));
    expect((await send({ headers, ...certificate('client') })).found).toBeUndefined();
  });
});
