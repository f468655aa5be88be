import { beforeAll, describe, expect, it } from 'vitest';
import {
  bearer,
  expectMalformed,
  type ForwardAuthPlay,
  nginx,
  stageForwardAuth,
  traefik,
} from './forward-auth-play.js';
import { startGateway } from './gateway.js';
import { admin, listen } from './stage.js';
import { refusals } from './tokens.js';

let play: ForwardAuthPlay;
beforeAll(async () => {
  play = await stageForwardAuth();
});

describe('a good token', () => {
  it.each([
    ["Traefik's and Caddy's fields", traefik],
    ["nginx's fields", nginx],
    ["nginx's fields with a path alone", ['X-Original-Method: GET', 'X-Original-URL: /orders']],
    ['no word about the protected request', []],
    ['a word about its method alone', ['X-Forwarded-Method: POST']],
    ['an URL without a path', ['X-Original-URL: https://shop.example']],
    [
      'more fields of the client',
      [...traefik, 'Cookie: a=b', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1'],
    ],
  ])('is answered with the JWT beside %s', async (_what, fields) => {
    play.expectPass(await play.ask([bearer('opaque'), ...fields]));
  });

  it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    'is answered with the JWT for %s',
    async (method) => {
      play.expectPass(
        await play.ask([bearer('opaque'), `X-Forwarded-Method: ${method}`, 'X-Forwarded-Uri: /orders']),
      );
      play.expectPass(
        await play.ask([bearer('opaque'), `X-Original-Method: ${method}`, 'X-Original-URL: /orders']),
      );
      // some gateways ask with the method of the request itself
      play.expectPass(
        await play
          .ask([bearer('opaque'), ...traefik], { method })
          .then((it) => (method === 'HEAD' ? { ...it, body: '' } : it)),
      );
    },
  );

  it('is looked for in one place only: what the client puts into its query is its own affair', async () => {
    const answer = await play.ask([bearer('opaque'), 'X-Forwarded-Uri: /orders?scope=none&q=access_token']);
    play.expectPass(answer);
  });
});

describe('the scopes', () => {
  it.each([
    ['?scope=read', 200],
    ['?scope=', 200],
    ['?scopes=write', 200],
    ['?scope=read&scope=read', 200],
    ['?scope=read+write', 403, 'read write'],
    ['?scope=read%20write', 403, 'read write'],
    ['?scope=write&scope=read', 403, 'write read'],
    ['?x=y&scope=write', 403, 'write'],
    ['?scope=+write+', 403, 'write'],
    ['?scope=%72ead2', 403, 'read2'],
    ['?scope=READ', 403, 'READ'],
  ])('asked for with %s are needed', async (query, status, scope = undefined) => {
    const answer = await play.ask([bearer('opaque'), ...traefik], { target: `/authorize${query}` });
    expect(answer.status).toBe(status);
    if (scope === undefined) return play.expectPass(answer);
    return expect(answer.header('WWW-Authenticate')).toBe(
      `Bearer realm="api", error="insufficient_scope", error_description="the token lacks a required scope", scope="${scope}"`,
    );
  });

  it.each([
    '?scope=%22',
    '?scope=a%5cb',
    '?scope=a%0d%0aX-Evil:1',
    '?scope=%00',
    '?scope=caf%c3%a9',
    '?scope=read&scope=%22',
    '?scope=%ff',
  ])('are not taken from %s', async (query) => {
    const before = play.server.server.calls.length;
    expectMalformed(await play.ask([bearer('fresh'), ...traefik], { target: `/authorize${query}` }));
    expect(play.server.server.calls.length).toBe(before);
  });

  it('asked for come on top of those that the configuration asks for', async () => {
    for (const [query, scope] of [
      ['', 'read'],
      ['?scope=write', 'read write'],
      ['?scope=read', 'read'],
    ]) {
      const answer = await play.askStrictly([bearer('unscoped')], { target: `/auth/check${query}` });
      expect(answer.status).toBe(403);
      expect(answer.header('WWW-Authenticate')).toContain(`scope="${scope}"`);
    }
    play.expectPass(await play.askStrictly([bearer('opaque')], { target: '/auth/check?scope=' }));
  });

  it('may be other ones for every question', async () => {
    for (let count = 0; count < 300; count++) {
      const { status } = await play.ask([bearer('opaque')], { target: `/authorize?scope=s${count}` });
      expect(status).toBe(403);
    }
    play.expectPass(await play.ask([bearer('opaque')], { target: '/authorize?scope=read' }));
  });

  it('are not lessened by anything that the client says of itself', async () => {
    for (const fields of [
      ['X-Forwarded-Uri: /auth/check?scope='],
      ['X-Original-URL: /?scope=other'],
      ['Scope: other'],
    ])
      expect((await play.askStrictly([bearer('unscoped'), ...fields])).status).toBe(403);
  });
});

describe('a refusal', () => {
  it.each(refusals)('is what a route would say of the token "%s"', async (token, status, challenge) => {
    const answer = await play.ask([bearer(token), ...traefik], { target: '/authorize?scope=read' });
    expect(answer.status).toBe(status);
    expect(answer.header('WWW-Authenticate')).toBe(challenge && `Bearer realm="api", ${challenge}`);
    expect(answer.header('Authorization')).toBeUndefined();
    expect(answer.header('Retry-After')).toBe(token === 'busy' ? '7' : undefined);
    expect(answer.header('Content-Type')).toBe('application/json');
    const error = { 401: 'invalid_token', 403: 'insufficient_scope', 502: 'server_error' }[status];
    expect(JSON.parse(answer.body).error).toBe(error ?? 'temporarily_unavailable');
  });

  it.each([
    ['no Authorization', []],
    ['an empty one', ['Authorization:']],
    ['another scheme', ['Authorization: Basic dXNlcjpwYXNz']],
  ])('is bare for %s', async (_what, fields) => {
    const before = play.server.server.calls.length;
    const answer = await play.askStrictly([...fields, ...traefik]);
    expect(answer.status).toBe(401);
    expect(answer.header('WWW-Authenticate')).toBe('Bearer realm="shop", scope="read"');
    expect(JSON.parse(answer.body)).not.toHaveProperty('error');
    expect(play.server.server.calls.length).toBe(before);
  });

  it.each([
    ['two Authorization', [bearer('token-a'), bearer('token-b')]],
    ['the same Authorization twice', [bearer('token-a'), bearer('token-a')]],
    ['two joined with a comma', ['Authorization: Bearer token-a, Bearer token-b']],
    ['a token with a space', ['Authorization: Bearer token-a token-b']],
    ['a token that is too long', [bearer('x'.repeat(4097))]],
    ['a second token in the query', [bearer('token-a'), 'X-Forwarded-Uri: /orders?access_token=token-b']],
    [
      "a second token in nginx's query",
      [bearer('token-a'), 'X-Original-URL: https://shop.example/?access_token=token-b'],
    ],
  ])('is invalid_request for %s', async (_what, fields) => {
    const before = play.server.server.calls.length;
    const answer = await play.ask(fields);
    expect(answer.status).toBe(400);
    expect(answer.header('WWW-Authenticate')).toMatch(/^Bearer realm="api", error="invalid_request"/);
    expect(play.server.server.calls.length).toBe(before);
  });

  it('has no body for HEAD', async () => {
    const answer = await play.ask([bearer('inactive')], { method: 'HEAD' });
    expect(answer.status).toBe(401);
    expect(answer.header('WWW-Authenticate')).toContain('invalid_token');
  });
});

describe('the service', () => {
  it('is no service for peers that are not allowed, whatever they say of themselves', async () => {
    const closed = await startGateway({
      listen,
      introspection: play.server.introspection,
      forwardAuth: { path: '/authorize', allowFrom: ['192.0.2.0/24', '2001:db8::/32'] },
    });
    const before = play.server.server.calls.length;
    for (const fields of [
      [],
      ['X-Forwarded-For: 192.0.2.1'],
      ['X-Real-IP: 192.0.2.1'],
      ['Forwarded: for=192.0.2.1'],
    ]) {
      const answer = await play.ask([bearer('fresh'), ...traefik, ...fields], { url: closed.url });
      expect(answer).toMatchObject({
        status: 404,
        body: '{"error":"not_found","error_description":"there is no such route"}',
      });
    }
    expect(play.server.server.calls.length).toBe(before);
  });

  it.each(['/', '/authorize/', '/authorize/x', '/authorizes', '/Authorize', '/%61uthorize'])(
    'is not at %s',
    async (target) => {
      expect((await play.ask([bearer('opaque')], { target })).status).toBe(404);
    },
  );

  it('counts its answers', async () => {
    const counted = await startGateway({
      listen,
      admin,
      introspection: play.server.introspection,
      forwardAuth: { path: '/authorize' },
    });
    for (const token of ['opaque', 'opaque', 'inactive', 'failing'])
      await play.ask([bearer(token)], { url: counted.url });
    await play.ask([bearer('opaque'), ...traefik, ...nginx], { url: counted.url });
    const metrics = await counted.metrics();
    for (const [status, count] of [
      [200, 2],
      [401, 1],
      [502, 1],
      [400, 1],
    ])
      expect(metrics).toContain(
        `phantom_token_requests_total{route="forward auth",status="${status}"} ${count}\n`,
      );
  });
});
