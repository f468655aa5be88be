import { canaries, createJwtSigner, json, startScriptedServer } from '@phantom-token/conformance';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunningGateway, startGateway, startGatewayProcess } from './gateway.js';
import { onEnd } from './lifetime.js';
import { openConnection } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const revocationSecret = 'a-secret-of-the-operators-of-this-gateway';
const admin = { port: 0, revocationSecret };

async function start(more: object = {}, run: (config: object) => Promise<RunningGateway> = startGateway) {
  const upstream = await startUpstream();
  const { server, introspection } = await startAuthorizationServer();
  const routes = [{ path: '/', upstream: upstream.url }];
  const gateway = await run({ listen, admin, introspection, routes, ...more });
  const ask = async (token = 'token') =>
    (await fetch(gateway.url, { headers: { Authorization: `Bearer ${token}` } })).status;
  return { server, gateway, ask };
}

const revoke = ({ adminUrl }: RunningGateway, body: unknown, authorization = `Bearer ${revocationSecret}`) =>
  fetch(`${adminUrl}/revocations`, {
    method: 'POST',
    headers: { Authorization: authorization, Connection: 'close' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('POST /revocations', () => {
  it.each([
    ['a token', { token: 'token' }],
    ['a subject', { sub: canaries.subject }],
  ])('makes the next request with %s ask the server again', async (_title, body) => {
    const { server, gateway, ask } = await start();
    await ask();
    await ask();
    expect(server.calls).toHaveLength(1);
    expect((await revoke(gateway, body)).status).toBe(204);
    expect(await ask()).toBe(200);
    expect(server.calls).toHaveLength(2);
  });

  it('reaches every worker', async () => {
    const { server, gateway, ask } = await start({ workers: 2 }, startGatewayProcess);
    const many = () => Promise.all(Array.from({ length: 40 }, () => ask()));
    await many();
    const before = server.calls.length;
    await many();
    expect(server.calls).toHaveLength(before);
    expect((await revoke(gateway, { token: 'token' })).status).toBe(204);
    await many();
    expect(server.calls.length).toBe(before * 2);
  });

  it('leaves other issuers alone where one is named', async () => {
    const other = await startAuthorizationServer();
    const { server, gateway, ask } = await start({ issuers: { other: other.introspection } });
    await ask();
    expect((await revoke(gateway, { token: 'token', issuer: 'other' })).status).toBe(204);
    await ask();
    expect(server.calls).toHaveLength(1);
    expect((await revoke(gateway, { token: 'token', issuer: 'nobody' })).status).toBe(400);
  });

  describe('where it does not do', () => {
    let stage: Awaited<ReturnType<typeof start>>;
    beforeAll(async () => {
      stage = await start();
      await stage.ask();
    });

    it.each([
      ['without the secret', { token: 'token' }, '', 401],
      ['with another secret', { token: 'token' }, 'Bearer other', 401],
      ['with no JSON', 'token=token', undefined, 400],
      ['with nothing to revoke', {}, undefined, 400],
      ['with two things to revoke', { token: 'token', sub: 's' }, undefined, 400],
      ['with an empty token', { token: '' }, undefined, 400],
      ['with too much', { token: 'x'.repeat(70_000) }, undefined, 413],
    ])('is refused %s, and says nothing of what came', async (_title, body, authorization, status) => {
      const { server, gateway, ask } = stage;
      const answer = await revoke(gateway, body, authorization);
      expect(answer.status).toBe(status);
      expect(await answer.text()).not.toContain('token=token');
      await ask();
      expect(server.calls).toHaveLength(1);
    });
  });

  it('outlives a caller who leaves in the middle of a body', async () => {
    const { gateway, ask } = await start();
    const caller = openConnection(gateway.adminUrl as string);
    const head = [
      'POST /revocations HTTP/1.1',
      'Host: admin',
      `Authorization: Bearer ${revocationSecret}`,
      'Content-Length: 100',
    ];
    caller.send(`${head.join('\r\n')}\r\n\r\n{"token":`);
    // so far it has read the head, and begun with the body
    expect((await gateway.admin('/healthz')).status).toBe(200);
    caller.destroy();
    await caller.closed;
    expect((await revoke(gateway, { token: 'token' })).status).toBe(204);
    expect(await ask()).toBe(200);
  });

  it('takes POST only, and is not there without a secret', async () => {
    const { gateway } = await start();
    expect((await gateway.admin('/revocations')).status).toBe(405);
    const closed = await start({ admin: { port: 0 } });
    expect((await closed.gateway.admin('/revocations')).status).toBe(404);
    expect((await revoke(closed.gateway, { token: 'token' })).status).toBe(405);
  });
});

describe('back-channel logout', () => {
  const issuer = 'https://as.example.com';
  const claims = {
    iss: issuer,
    aud: 'gateway',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };

  async function startWithLogout() {
    const signer = await createJwtSigner('key');
    const keys = await startScriptedServer();
    onEnd(() => keys.close());
    keys.answer(json(signer.jwks));
    const authorizationServer = await startAuthorizationServer();
    const logout = { path: '/backchannel-logout', issuer, audience: 'gateway', jwksUri: keys.endpoint };
    const upstream = await startUpstream();
    const gateway = await startGateway({
      listen,
      admin,
      introspection: { ...authorizationServer.introspection, logout },
      routes: [{ path: '/', upstream: upstream.url }],
    });
    const at = Math.floor(Date.now() / 1000);
    const logOut = async (more: object) =>
      fetch(`${gateway.url}/backchannel-logout`, {
        method: 'POST',
        body: new URLSearchParams({
          logout_token: await signer.sign(
            { ...claims, iat: at, exp: at + 120, jti: crypto.randomUUID(), ...more },
            { typ: 'logout+jwt' },
          ),
        }),
      });
    const ask = async () => (await fetch(gateway.url, { headers: { Authorization: 'Bearer token' } })).status;
    return { gateway, logOut, ask, server: authorizationServer.server, upstream };
  }

  it('makes the next request of the subject ask the server again', async () => {
    const { logOut, ask, server, upstream } = await startWithLogout();
    await ask();
    expect((await logOut({ sub: 'somebody-else' })).status).toBe(200);
    await ask();
    expect(server.calls).toHaveLength(1);
    expect((await logOut({ sub: canaries.subject })).status).toBe(200);
    await ask();
    expect(server.calls).toHaveLength(2);
    expect(upstream.requests).toHaveLength(3);
  });

  it('believes nobody else', async () => {
    const { gateway, logOut, ask, server } = await startWithLogout();
    await ask();
    expect((await logOut({ sub: canaries.subject, iss: 'https://evil.example' })).status).toBe(400);
    expect((await logOut({ sub: canaries.subject, aud: 'another' })).status).toBe(400);
    const url = `${gateway.url}/backchannel-logout`;
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(20_000) })).status).toBe(413);
    await ask();
    expect(server.calls).toHaveLength(1);
  });
});
