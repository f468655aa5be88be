// What an API may take for something else than the server in front did: paths, and the fields that a client claims.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from './client.mjs';
import { apache } from './servers/apache.mjs';
import { caddy } from './servers/caddy.mjs';
import { haproxy } from './servers/haproxy.mjs';
import { nginx } from './servers/nginx.mjs';
import { startApi, startAuthorizationServer, startGateway } from './world.mjs';

const bearer = (token) => ['Authorization', `Bearer ${token}`];

const claimed = '203.0.113.9';
const claims = ['Forwarded', 'For', 'Host', 'Server', 'Proto', 'Port', 'Prefix', 'Method', 'Uri']
  .map((name) => (name === 'Forwarded' ? name : `X-Forwarded-${name}`))
  .concat('X-Real-IP', 'X-Original-Method', 'X-Original-URL')
  .flatMap((name) => [name, name.replaceAll('-', '_')])
  .map((name) => [name, claimed]);

for (const server of [nginx, caddy, haproxy, apache]) {
  describe(server.name, () => {
    let authorizationServer;
    let api;
    let gateway;
    let front;

    before(async () => {
      authorizationServer = await startAuthorizationServer();
      api = await startApi();
      gateway = await startGateway({ authorizationServer, api });
      front = await server.start({ gateway: gateway.address, api: api.address });
    });
    after(async () => {
      for (const part of [front, gateway, api, authorizationServer]) await part?.stop();
    });

    for (const path of [
      '/api/WRITE/items',
      '/API/Write',
      '/api/write.',
      '/api/write%2e/items',
      '/api/write%20/items',
      '/api./write',
      '/api%20/write/items',
      '/api/write%3Fx',
      '/api/write%23x',
      '/api/write;x',
      '/api/write%3Bx/items',
      '/api;x=y/write/items',
      '/api;a%2Fb/write/items',
    ]) {
      it(`does not give more for ${path}`, async () => {
        const before = api.requests.length;
        const answer = await send(front.url, { path, fields: [bearer('poor')] });
        // no route is an answer, too
        assert.ok([400, 403, 404].includes(answer.status), `answered ${answer.status}`);
        assert.equal(api.requests.length, before, 'the API was reached');
      });
    }

    for (const path of ['/api/writes', '/api/WRITE-off', '/api/items/what%3F', '/api/x.y/~z.']) {
      it(`gives what there is for ${path}`, async () => {
        const answer = await send(front.url, { path, fields: [bearer('poor')] });
        assert.equal(answer.status, 200);
        assert.equal(JSON.parse(answer.body).url, path);
      });
    }

    it('tells the API nothing of what the client claims about itself', async () => {
      const answer = await send(front.url, { fields: [...claims, bearer('good')] });
      assert.equal(answer.status, 200);
      assert.ok(!answer.body.includes(claimed), answer.body);
    });
  });
}
