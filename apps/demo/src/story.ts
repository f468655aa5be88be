import assert from 'node:assert/strict';
import type { Seen } from './api.js';
import { getToken, getUserToken, revoke } from './app.js';
import { type Say, send, sendAloud } from './exchange-print.js';
import { type Break, revocationWindowSeconds, type World } from './world.js';

interface Step {
  readonly name: Break;
  readonly title: string;
  /** Needs the embedded authorization server. */
  readonly needsOurs?: true;
  run(world: World, say: Say): Promise<void>;
}

/** What a token must bring: a 200, and the API saw a JWT and the presented token nowhere. */
function assertTaken({ status, body }: { status: number; body: unknown }, token: string): void {
  assert.equal(status, 200, 'the token must be taken');
  const { headers } = body as Seen;
  assert.ok(
    headers.some((value) => value.startsWith('Bearer eyJ')),
    'the API must see a JWT',
  );
  assert.ok(!headers.join('\n').includes(token), 'the opaque token must not reach the API');
}

/** Runs something at every gateway, and says how many introspections and requests to the API that took at each. */
async function atEachGateway(
  { gateways, authorizationServer, api }: World,
  visit: (gateway: World['gateways'][number]) => Promise<void>,
  expected: { introspections?: number; requests?: number },
): Promise<void> {
  for (const gateway of gateways) {
    const before = { introspections: authorizationServer.introspections(), requests: api.requests() };
    await visit(gateway);
    const { introspections, requests } = expected;
    const asked = authorizationServer.introspections() - before.introspections;
    if (introspections !== undefined)
      assert.equal(asked, introspections, `introspections for ${gateway.name}`);
    if (requests !== undefined)
      assert.equal(api.requests() - before.requests, requests, `requests from ${gateway.name} to the API`);
  }
}

export const steps: readonly Step[] = [
  {
    name: 'no-token',
    title: 'Without a token: 401, and nobody is asked',
    run: (world, say) =>
      atEachGateway(
        world,
        async (gateway) => {
          const { status, challenge } = await sendAloud(say, gateway, '/orders');
          assert.equal(status, 401);
          assert.match(challenge ?? '', /^Bearer realm="api"(?!.*error)/, 'a bare challenge (RFC 6750 §3.1)');
        },
        { introspections: 0, requests: 0 },
      ),
  },
  {
    name: 'garbage',
    title: 'With garbage: 401 invalid_token, after one introspection',
    run: (world, say) =>
      atEachGateway(
        world,
        async (gateway) => {
          const { status, challenge } = await sendAloud(say, gateway, '/orders', `garbage-${gateway.name}`);
          assert.equal(status, 401);
          assert.match(challenge ?? '', /error="invalid_token"/);
        },
        { introspections: 1, requests: 0 },
      ),
  },
  {
    name: 'scope',
    title: 'With too little scope: 403 insufficient_scope, and what is missing',
    async run(world, say) {
      const token = await getToken(world.authorizationServer.url, 'write');
      await atEachGateway(
        world,
        async (gateway) => {
          const { status, challenge } = await sendAloud(say, gateway, '/orders', token);
          assert.equal(status, 403);
          assert.match(challenge ?? '', /error="insufficient_scope".*scope="read"/);
        },
        { requests: 0 },
      );
    },
  },
  {
    name: 'good-token',
    title: 'With a good token: 200, and the API sees a JWT instead',
    async run(world, say) {
      const token = await getToken(world.authorizationServer.url, 'read write');
      await atEachGateway(
        world,
        async (gateway) => assertTaken(await sendAloud(say, gateway, '/orders', token), token),
        {
          introspections: 1,
          requests: 1,
        },
      );
    },
  },
  {
    name: 'cached',
    title: 'A second call: 200 from the cache, with no introspection',
    async run(world, say) {
      const token = await getToken(world.authorizationServer.url, 'read');
      await Promise.all(world.gateways.map((gateway) => send(gateway, '/orders', token)));
      await atEachGateway(
        world,
        async (gateway) => assertTaken(await sendAloud(say, gateway, '/orders', token), token),
        {
          introspections: 0,
          requests: 1,
        },
      );
    },
  },
  {
    name: 'parallel',
    title: 'A hundred first calls at once: one introspection',
    async run(world, say) {
      const token = await getToken(world.authorizationServer.url, 'read');
      await atEachGateway(
        world,
        async (gateway) => {
          const replies = await Promise.all(
            Array.from({ length: 100 }, () => send(gateway, '/orders', token)),
          );
          say(
            `  ${gateway.name.padEnd(8)}→ 100 × GET /orders  ← ${replies.filter(({ status }) => status === 200).length} × 200`,
          );
          for (const reply of replies) assertTaken(reply, token);
        },
        { introspections: 1, requests: 100 },
      );
    },
  },
  {
    name: 'authorization-code',
    needsOurs: true,
    title: "A user's token, by authorization code with PKCE: 200, and the API knows the user",
    async run(world, say) {
      const token = await getUserToken(world.authorizationServer.url, 'openid read');
      for (const gateway of world.gateways) {
        const reply = await sendAloud(say, gateway, '/orders', token);
        assertTaken(reply, token);
        assert.equal((reply.body as Seen).claims.sub, 'alice');
      }
    },
  },
  {
    name: 'revoked',
    title: `Revoked: 401 within the revocation window (${revocationWindowSeconds} s here)`,
    async run(world, say) {
      const { url } = world.authorizationServer;
      const token = await getToken(url, 'read');
      for (const gateway of world.gateways) assertTaken(await send(gateway, '/orders', token), token);
      await revoke(url, token);
      const revokedAt = performance.now();
      await world.wait(revocationWindowSeconds);
      for (const gateway of world.gateways) {
        const { status } = await sendAloud(say, gateway, '/orders', token);
        assert.equal(status, 401, 'a revoked token must be refused when the window is over');
      }
      say(`  revoked ${((performance.now() - revokedAt) / 1000).toFixed(1)} s ago`);
    },
  },
  {
    name: 'stopped',
    needsOurs: true,
    title:
      'Authorization server stopped: what is cached still passes, a new token gets 502 or 503, never 401',
    async run(world, say) {
      const { url } = world.authorizationServer;
      const [cached, fresh] = await Promise.all([getToken(url, 'read'), getToken(url, 'read')]);
      await Promise.all(world.gateways.map((gateway) => send(gateway, '/orders', cached)));
      await world.stopAuthorizationServer();
      const replies = await Promise.all(world.gateways.map((gateway) => send(gateway, '/orders', cached)));
      for (const reply of replies) assertTaken(reply, cached);
      say(
        `  all     → GET /orders  Authorization: Bearer ${cached.slice(0, 10)}…  ← ${replies.map(({ status }) => status).join(', ')}`,
      );
      for (const gateway of world.gateways) {
        const { status } = await sendAloud(say, gateway, '/orders', fresh);
        assert.ok(status === 502 || status === 503, `an outage must not look like a bad token: ${status}`);
      }
    },
  },
];

/** Plays the steps until one does not hold; its name, or `undefined` when all did. */
export async function playStory(world: World, say: Say): Promise<Break | undefined> {
  world.stopClock();
  for (const [index, { name, title, needsOurs, run }] of steps.entries()) {
    say(`\n${index + 1}. ${title}`);
    if (needsOurs && world.isRemote) {
      say('  left out: it needs the embedded authorization server');
      continue;
    }
    try {
      await run(world, say);
    } catch (error) {
      say(`  ✗ step "${name}" does not hold: ${(error as Error).message.split('\n', 1)[0]}`);
      return name;
    }
    say('  ✓');
  }
  return undefined;
}
