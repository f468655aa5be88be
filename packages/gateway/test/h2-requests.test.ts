import { describe, expect, it } from 'vitest';
import { askH2, openSession, startTlsGateway } from './tls-stage.js';

const token = { authorization: 'Bearer token' };

describe('HTTP/2', () => {
  it('has CONNECT refused, in words', async () => {
    const { gateway, upstream } = await startTlsGateway();
    const session = openSession(gateway.url);
    const { status, headers, body } = await askH2(session, { ':method': 'CONNECT', ':authority': 'x:1' }, '');
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
    expect(JSON.parse(body)).toMatchObject({ error: 'invalid_request' });
    expect((await askH2(session, token)).status).toBe(200);
    expect(upstream.requests).toHaveLength(1);
  });

  it('has methods refused that HTTP/1.1 refuses', async () => {
    const { gateway, upstream } = await startTlsGateway();
    const session = openSession(gateway.url);
    for (const method of ['FROB', 'trace', 'TRACE', 'get', 'connect'])
      expect((await askH2(session, { ...token, ':method': method })).status).toBe(405);
    expect(upstream.requests).toHaveLength(0);
    for (const method of ['PUT', 'PROPFIND'])
      expect((await askH2(session, { ...token, ':method': method })).status).toBe(200);
  });

  it('has an :authority refused that is none', async () => {
    const { gateway, upstream } = await startTlsGateway();
    const session = openSession(gateway.url);
    for (const authority of ['user@host:1', 'host:99999999', 'host:70000', 'host:x'])
      expect((await askH2(session, { ...token, ':authority': authority })).status).toBe(400);
    expect(upstream.requests).toHaveLength(0);
    for (const authority of ['host:65535', '[::1]:443', 'my_host'])
      expect((await askH2(session, { ...token, ':authority': authority })).status).toBe(200);
  });
});
