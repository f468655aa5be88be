import { compactVerify, decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { activeJson, choose, inTurn, json, jwt, noContent, reply, status } from './answers.js';
import { goodClaims, sampleSigner } from './jwt-samples.js';
import { sendBytes, sendRequest } from './raw-request.js';
import { type ScriptedServer, startScriptedServer } from './scripted-server.js';

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer();
});
afterEach(() => server.close());

const ask = (body = 'token=a%2Bb') =>
  fetch(server.endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Name': 'value' },
    body,
  });

describe('what the scripted server records', () => {
  it('is each request with method, path, headers, raw body and form', async () => {
    await ask();
    const [call] = server.calls;
    expect(call).toMatchObject({ method: 'POST', path: '/introspect', body: 'token=a%2Bb', turn: 0 });
    expect(call?.headers['x-name']).toBe('value');
    expect(call?.form.get('token')).toBe('a+b');
  });

  it('joins headers of one name with a comma', async () => {
    const fields = [['X-A', '1'] as const, ['x-a', '2'] as const];
    await sendRequest(server.origin, { target: '/introspect', fields }).response;
    expect(server.calls[0]?.headers['x-a']).toBe('1, 2');
  });

  it('keeps other paths apart from introspection', async () => {
    await fetch(server.jwksUri);
    expect(server.calls).toHaveLength(0);
    expect(server.requestsTo('/jwks')).toHaveLength(1);
  });

  it('is there as soon as it was called so many times', async () => {
    const called = server.called(2);
    await Promise.all([ask(), ask()]);
    await called;
    expect(server.calls).toHaveLength(2);
  });

  it('takes several requests from one connection, even in one piece', async () => {
    server.answer(json({ active: false }));
    const request = 'GET /introspect HTTP/1.1\r\nHost: a\r\n\r\n';
    const exchange = sendBytes(server.origin, request + request);
    await server.called(2);
    expect(server.connections).toBe(1);
    exchange.leave();
    await server.deserted();
  });
});

describe('what the scripted server answers', () => {
  it('is 404 until it is told', async () => {
    expect((await ask()).status).toBe(404);
  });

  it('is a bare JWT, signed with the sample key', async () => {
    server.answer(jwt({ sub: 'somebody' }));
    const response = await ask();
    const text = await response.text();
    expect(response.headers.get('Content-Type')).toBe('application/jwt');
    expect(decodeJwt(text)).toEqual({ sub: 'somebody' });
    await expect(compactVerify(text, (await sampleSigner()).publicKey)).resolves.toBeDefined();
  });

  it('is active JSON around a JWT', async () => {
    server.answer(activeJson({ scope: 'read' }));
    const { phantom_token, ...members } = (await (await ask()).json()) as Record<string, string>;
    expect(members).toEqual({ active: true, scope: 'read' });
    expect(decodeJwt(phantom_token ?? '')).toEqual(goodClaims);
  });

  it('is a status alone, with or without headers', async () => {
    server.answer(noContent());
    expect((await ask()).status).toBe(204);
    server.answer(status(503, { 'Retry-After': '7' }));
    const response = await ask();
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '7']);
  });

  it('leaves out a header that is set to undefined', async () => {
    server.answer(jwt(goodClaims, { 'Content-Type': undefined }));
    expect((await ask()).headers.has('Content-Type')).toBe(false);
  });

  it('is any bytes', async () => {
    server.answer(reply(200, {}, Uint8Array.of(0, 255, 10)));
    expect([...new Uint8Array(await (await ask()).arrayBuffer())]).toEqual([0, 255, 10]);
  });

  it('changes from request to request, begins anew when it is set again, and stays with the last one', async () => {
    const turns = inTurn(status(500), noContent());
    for (const _again of [1, 2]) {
      server.answer(turns);
      const statuses = [(await ask()).status, (await ask()).status, (await ask()).status];
      expect(statuses).toEqual([500, 204, 204]);
    }
  });

  it('depends on the request', async () => {
    server.answer(choose(({ form }) => status(form.get('token') === 'good' ? 200 : 400)));
    expect([(await ask('token=good')).status, (await ask('token=bad')).status]).toEqual([200, 400]);
  });
});

describe('the scripted server as a whole', () => {
  it('refuses connections when closed and takes them on the same port when reopened', async () => {
    await server.close();
    await expect(ask()).rejects.toThrow();
    await server.reopen();
    expect((await ask()).status).toBe(404);
  });
});
