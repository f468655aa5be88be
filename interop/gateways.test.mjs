// The same table through every real server, its configuration being the file in config that users copy.
import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { send, valuesOf } from './client.mjs';
import { apache } from './servers/apache.mjs';
import { caddy } from './servers/caddy.mjs';
import { haproxy } from './servers/haproxy.mjs';
import { nginx } from './servers/nginx.mjs';
import { startApi, startAuthorizationServer, startGateway, startRecorder } from './world.mjs';

const bearer = (token) => ['Authorization', `Bearer ${token}`];
const challengesOf = ({ rawHeaders }) => valuesOf(rawHeaders, 'WWW-Authenticate');

// A client that would like to be judged by another request than its own: an open path, or a CORS preflight.
const claims = [
  ['X-Forwarded-Uri', '/public/claimed'],
  ['X-Forwarded-Method', 'OPTIONS'],
  ['X-Original-URL', 'http://claimed.test/public/claimed'],
  ['X-Original-Method', 'OPTIONS'],
  ['Origin', 'http://claimed.test'],
  ['Access-Control-Request-Method', 'GET'],
];
const claimedFields = claims.slice(0, 4).map(([name]) => name);

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

    const assertJwtOnly = (seen, token) => {
      const authorization = valuesOf(seen.rawHeaders, 'Authorization');
      assert.equal(authorization.length, 1);
      const [, header, payload, signature] =
        /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization[0]) ?? [];
      assert.ok(header, 'the API got something other than a JWT');
      assert.ok(
        verify(
          'RSA-SHA256',
          Buffer.from(`${header}.${payload}`),
          authorizationServer.publicKey,
          Buffer.from(signature, 'base64url'),
        ),
        'the JWT is not the one that the authorization server signed',
      );
      assert.ok(
        !JSON.stringify([seen.url, seen.rawHeaders, seen.body]).includes(token),
        'the presented token reached the API',
      );
    };

    /** Sends a request that must be refused, and not reach the API. */
    const refused = async (base, request, status) => {
      const before = api.requests.length;
      const answer = await send(base, request);
      assert.equal(answer.status, status);
      assert.equal(api.requests.length, before, 'the API was reached');
      assert.ok(
        !answer.rawHeaders.join('\n').includes('Basic realm='),
        "the authorization server's challenge came through",
      );
      return answer;
    };

    /** A gateway and a server of its own, so that nothing of an outage stays for the next test. */
    const withOwn = async ({ secret, replacements, answerWith = 'tokens' }, work) => {
      const ownGateway = await startGateway({ authorizationServer, api, secret, replacements });
      let ownFront;
      try {
        ownFront = await server.start({ gateway: ownGateway.address, api: api.address });
        authorizationServer.answerWith(answerWith);
        await work(ownFront.url, ownGateway);
      } finally {
        authorizationServer.answerWith('tokens');
        await ownFront?.stop();
        await ownGateway.stop();
      }
    };

    /** The server with a recorder in the gateway's place. */
    const withRecorder = async (work) => {
      const recorder = await startRecorder();
      let ownFront;
      try {
        ownFront = await server.start({ gateway: recorder.address, api: api.address });
        await work(ownFront.url, recorder);
      } finally {
        await ownFront?.stop();
        await recorder.stop();
      }
    };

    it('gives the API the JWT for a good token, and the token nowhere', async (t) => {
      t.diagnostic(server.version());
      const answer = await send(front.url, { fields: [bearer('good')] });
      assert.equal(answer.status, 200);
      assertJwtOnly(JSON.parse(answer.body), 'good');
    });

    it('gives the API the JWT again for the same token', async () => {
      for (let round = 0; round < 3; round += 1) {
        const answer = await send(front.url, { fields: [bearer('good')] });
        assert.equal(answer.status, 200);
        assertJwtOnly(JSON.parse(answer.body), 'good');
      }
    });

    it('takes the scheme in any case', async () => {
      const answer = await send(front.url, { fields: [['authorization', 'bEARER good']] });
      assert.equal(answer.status, 200);
      assertJwtOnly(JSON.parse(answer.body), 'good');
    });

    it('gives the API a JWT with many claims, too', async () => {
      const answer = await send(front.url, { fields: [bearer('wide')] });
      assert.equal(answer.status, 200);
      const seen = JSON.parse(answer.body);
      assertJwtOnly(seen, 'wide');
      assert.ok(valuesOf(seen.rawHeaders, 'Authorization')[0].length > 5000);
    });

    it('brings a POST body to the API', async () => {
      // More than a server keeps in memory, so that buffering and streaming are both met.
      for (const body of ['{"a":1}', 'x'.repeat(300_000)]) {
        const fields = [bearer('good'), ['Content-Type', 'text/plain']];
        const answer = await send(front.url, { method: 'POST', path: '/api/write/items', fields, body });
        assert.equal(answer.status, 200);
        const seen = JSON.parse(answer.body);
        assert.equal(seen.method, 'POST');
        assert.equal(seen.body, body);
        assertJwtOnly(seen, 'good');
      }
    });

    for (const path of [
      '/api/items?a=1&a=2&b=%20x+y&c=%C3%A9&scope=admin',
      '/api/items?',
      '/api/items/a%20b%2Fc%C3%A9/~x',
      '/api/items/%41%2e',
    ]) {
      it(`brings ${path} to the API unchanged`, async () => {
        const answer = await send(front.url, { path, fields: [bearer('good')] });
        assert.equal(answer.status, 200);
        assert.equal(JSON.parse(answer.body).url, path);
      });
    }

    it('answers 401 without an error code when no token is sent', async () => {
      for (const fields of [[], [['Authorization', 'Basic Z29vZDpnb29k']]]) {
        const answer = await refused(front.url, { fields }, 401);
        const challenges = challengesOf(answer);
        assert.equal(challenges.length, 1);
        assert.match(challenges[0], /^Bearer realm="api"/);
        assert.doesNotMatch(challenges[0], /error/);
        assert.match(answer.headers['cache-control'] ?? '', /no-store/);
      }
    });

    it('answers 401 invalid_token for garbage', async () => {
      const answer = await refused(front.url, { fields: [bearer('garbage')] }, 401);
      const challenges = challengesOf(answer);
      assert.equal(challenges.length, 1);
      assert.match(challenges[0], /^Bearer realm="api", error="invalid_token"/);
      assert.match(answer.headers['cache-control'] ?? '', /no-store/);
    });

    it('answers a refused POST without waiting for anything', async () => {
      await refused(
        front.url,
        { method: 'POST', fields: [bearer('garbage')], body: 'x'.repeat(50_000) },
        401,
      );
    });

    it('answers 403 insufficient_scope when the token allows too little', async () => {
      const allowed = await send(front.url, { fields: [bearer('poor')] });
      assert.equal(allowed.status, 200);
      const answer = await refused(front.url, { path: '/api/write/items', fields: [bearer('poor')] }, 403);
      const challenges = challengesOf(answer);
      assert.equal(challenges.length, 1);
      assert.match(challenges[0], /^Bearer realm="api", error="insufficient_scope"/);
      assert.match(challenges[0], /scope="write"/);
      assert.match(answer.headers['cache-control'] ?? '', /no-store/);
    });

    for (const path of [
      '/api/write',
      '/api/%77rite/items',
      '/api//write/items',
      '/api/x/../write/items',
      '/api/x/%2e%2E/write/items',
    ]) {
      it(`does not give more for ${path}, whatever the API takes it for`, async () => {
        const before = api.requests.length;
        const answer = await send(front.url, { path, fields: [bearer('poor')] });
        assert.ok(answer.status === 403 || answer.status === 400, `answered ${answer.status}`);
        assert.equal(api.requests.length, before, 'the API was reached');
      });
    }

    it('answers 400 for two Authorization fields, in either order', async () => {
      for (const fields of [
        [bearer('good'), bearer('garbage')],
        [bearer('garbage'), bearer('good')],
        [bearer('good'), bearer('good')],
      ]) {
        await refused(front.url, { fields }, 400);
      }
    });

    it('answers 400 invalid_request for a malformed token', async () => {
      for (const value of ['Bearer', 'Bearer good good', 'Bearer good, Bearer good', 'Bearer go"od']) {
        const answer = await refused(front.url, { fields: [['Authorization', value]] }, 400);
        const challenges = challengesOf(answer);
        assert.equal(challenges.length, 1);
        assert.match(challenges[0], /^Bearer realm="api", error="invalid_request"/);
      }
    });

    it('decides by the request itself, whatever the client claims about it', async () => {
      await refused(front.url, { fields: claims }, 401);
      await refused(front.url, { fields: [...claims, bearer('garbage')] }, 401);
      await refused(front.url, { path: '/api/write/items', fields: [...claims, bearer('poor')] }, 403);
      const answer = await send(front.url, { fields: [...claims, bearer('good')] });
      assert.equal(answer.status, 200);
      const seen = JSON.parse(answer.body);
      assertJwtOnly(seen, 'good');
      for (const name of claimedFields) assert.deepEqual(valuesOf(seen.rawHeaders, name), []);
    });

    it('tells the gateway the method and URL as they came, and nothing that the client claims', async () => {
      await withRecorder(async (base, recorder) => {
        recorder.answer = { status: 401, headers: {} };
        const path = '/api/items/a%20b?q=%2F&r=1';
        const answer = await send(base, {
          method: 'PUT',
          path,
          fields: [...claims, bearer('good')],
          body: 'abc',
        });
        assert.equal(answer.status, 401);
        assert.equal(recorder.questions.length, 1);
        const [{ method, url, rawHeaders, body }] = recorder.questions;
        if (!server.asksGateway) {
          assert.deepEqual({ method, url, body }, { method: 'PUT', url: path, body: 'abc' });
          for (const name of claimedFields) assert.deepEqual(valuesOf(rawHeaders, name), []);
          return;
        }
        assert.deepEqual({ method, url, body }, { method: 'GET', url: '/authorize?scope=read', body: '' });
        assert.deepEqual(valuesOf(rawHeaders, 'Authorization'), ['Bearer good']);
        const told = (name) => valuesOf(rawHeaders, name);
        // Either pair of fields, the other one absent.
        const original = told('X-Original-URL').length > 0;
        assert.deepEqual(told('X-Original-URL'), original ? [`${base}${path}`] : []);
        assert.deepEqual(told('X-Original-Method'), original ? ['PUT'] : []);
        assert.deepEqual(told('X-Forwarded-Uri'), original ? [] : [path]);
        assert.deepEqual(told('X-Forwarded-Method'), original ? [] : ['PUT']);
        if (!original) {
          assert.deepEqual(told('X-Forwarded-Proto'), ['http']);
          assert.deepEqual(told('X-Forwarded-Host'), [new URL(base).host]);
        }
      });
    });

    if (server.asksGateway) {
      it('never lets the presented token through when the gateway gives no JWT', async () => {
        await withRecorder(async (base) => {
          const answer = await send(base, { fields: [bearer('good')] });
          assert.equal(answer.status, 200);
          assert.ok(!JSON.stringify(JSON.parse(answer.body).rawHeaders).includes('good'));
        });
      });

      it('lets nothing through on an answer that is no yes', async () => {
        await withRecorder(async (base, recorder) => {
          for (const status of [302, 404, 418, 500]) {
            recorder.answer = { status, headers: { Authorization: 'Bearer a.b.c', Location: '/public' } };
            const before = api.requests.length;
            const answer = await send(base, { fields: [bearer('good')] });
            assert.ok(answer.status >= 300, `answered ${answer.status}`);
            assert.equal(api.requests.length, before, `the API was reached after ${status}`);
          }
        });
      });
    }

    it('answers 503 with Retry-After while the authorization server says 503', async () => {
      await withOwn({ answerWith: 'busy' }, async (base) => {
        const answer = await refused(base, { fields: [bearer('good')] }, 503);
        assert.equal(answer.headers['retry-after'], '7');
        assert.deepEqual(challengesOf(answer), []);
      });
    });

    it('answers 504 while the authorization server hangs', async () => {
      const replacements = { 'timeoutSeconds: 60': 'timeoutSeconds: 1' };
      await withOwn({ answerWith: 'nothing', replacements }, async (base) => {
        const answer = await refused(base, { fields: [bearer('good')] }, 504);
        assert.deepEqual(challengesOf(answer), []);
      });
    });

    it('answers 502 when the authorization server refuses our own secret', async () => {
      await withOwn({ secret: 'wrong' }, async (base) => {
        const answer = await refused(base, { fields: [bearer('good')] }, 502);
        assert.deepEqual(challengesOf(answer), []);
        assert.equal(answer.headers['retry-after'], undefined);
      });
    });

    it('lets nothing through while the gateway is down', async () => {
      await withOwn({}, async (base, ownGateway) => {
        await ownGateway.stop();
        const before = api.requests.length;
        const answer = await send(base, { fields: [bearer('good')] });
        // Servers differ in what they call a neighbour that they do not reach.
        assert.ok(answer.status === 502 || answer.status === 503, `answered ${answer.status}`);
        assert.equal(api.requests.length, before, 'the API was reached');
      });
    });
  });
}
