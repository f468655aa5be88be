import { canaries } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { startLogouts } from './logouts.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

async function start(options: object) {
  const { server, introspection } = await startAuthorizationServer();
  const upstream = await startUpstream();
  const { logout, logOut } = await startLogouts(options);
  const routes = [{ path: '/', upstream: upstream.url }];
  const gateway = await startGateway({ listen, introspection: { ...introspection, logout }, routes });
  /** How often the authorization server is asked about a token that it was asked about before. */
  const asksAnew = async () => {
    const before = server.calls.length;
    expect((await fetch(gateway.url, { headers: { Authorization: 'Bearer token' } })).status).toBe(200);
    return server.calls.length - before;
  };
  await asksAnew();
  return { asksAnew, logOut: (claims: object, typ?: string) => logOut(gateway.url, claims, typ) };
}

describe('logout tokens of a server that follows the specification less closely', () => {
  const inTime = { sub: canaries.subject };
  const endless = { ...inTime, exp: undefined };

  it('are refused', async () => {
    const { logOut, asksAnew } = await start({});
    expect([await logOut(inTime, 'JWT'), await logOut(endless)]).toEqual([400, 400]);
    expect(await asksAnew()).toBe(0);
  });

  it('are taken without their typ, or without exp, where the file says so', async () => {
    const untyped = await start({ requireTyp: false });
    expect([await untyped.logOut(endless, 'JWT'), await untyped.logOut(inTime, 'JWT')]).toEqual([400, 200]);
    expect(await untyped.asksAnew()).toBe(1);
    const timeless = await start({ requireExp: false });
    expect([await timeless.logOut(endless, 'JWT'), await timeless.logOut(endless)]).toEqual([400, 200]);
    expect(await timeless.asksAnew()).toBe(1);
  });
});

it.each([
  ['leaves tokens alone that name no session', {}, 0],
  ['ends all tokens of the subject where the file says so', { wholeSubject: true }, 1],
])('a logout of a session %s', async (_title, options, times) => {
  const { logOut, asksAnew } = await start(options);
  expect(await logOut({ sub: canaries.subject, sid: 'a session' })).toBe(200);
  expect(await asksAnew()).toBe(times);
});
