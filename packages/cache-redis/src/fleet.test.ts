import { expect, it, vi } from 'vitest';
import { startAuthority } from '../test/topologies/authority.js';
import {
  type Fleet,
  type FleetOptions,
  failuresOf,
  type Instance,
  startFleet,
} from '../test/topologies/fleet.js';
import { forTest } from '../test/topologies/owned.js';
import { startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 600_000 });

async function setUp(options: Partial<FleetOptions> = {}) {
  const server = await forTest(startStandalone());
  const authority = await forTest(startAuthority());
  const fleet = await forTest(
    startFleet(server.address, {
      endpoint: authority.endpoint,
      memoryEntries: 20_000,
      // no token is to be asked for anew because a slow machine was at it for so long
      client: { maxTtlSeconds: 3_000 },
      ...options,
    }),
  );
  await fleet.connected();
  await fleet.share();
  authority.forgetCounts();
  return { server, authority, fleet };
}

/** Numbers below a limit in an order that is the same in every run. */
function createDice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    // xorshift
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

interface Traffic {
  readonly tokens: number;
  readonly requests: number;
  /** How many are under way at once. */
  readonly concurrency: number;
  /** Every so many turns a token comes to all instances at once, as after a restart of all clients. */
  readonly rushEvery: number;
}

/** How long an instance waits for another to ask, as core has it, and a little less, as timers are. Seconds. */
const claimSeconds = 0.49;

/** Sends tokens in random order to random instances; resolves with how many answers came from where. */
async function send({ instances }: Fleet, { tokens, requests, concurrency, rushEvery }: Traffic) {
  const dice = createDice(20_260_101);
  const sources: Record<string, number> = {};
  const asked = new Set<string>();
  let slow = 0;
  const ask = async ({ client }: Instance, token: string) => {
    const startedAt = performance.now();
    const { claims, source } = await client.exchange(token);
    if (performance.now() - startedAt > claimSeconds * 1000) slow++;
    if (claims.sub !== `one:owner of ${token}`) throw new Error('the answer is another token’s');
    sources[source] = (sources[source] ?? 0) + 1;
  };
  let sent = 0;
  let rushed = 0;
  const work = async () => {
    while (sent < requests) {
      const isRush = rushed < tokens && dice(rushEvery) === 0;
      const token = `token-${isRush ? rushed++ : dice(tokens)}`;
      const chosen = isRush ? instances : [instances[dice(instances.length)] as Instance];
      asked.add(token);
      sent += chosen.length;
      await Promise.all(chosen.map((instance) => ask(instance, token)));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { sources, sent, slow, tokens: asked.size };
}

const many: Traffic = {
  ...(process.env.TEST_SIZE === 'full'
    ? { tokens: 10_000, requests: 200_000 }
    : { tokens: 1_000, requests: 20_000 }),
  concurrency: 16,
  rushEvery: 20,
};

it(`eight instances introspect each of ${many.tokens} tokens once together in ${many.requests} requests`, async () => {
  const { authority, fleet } = await setUp({ isPatient: true });
  const { instances } = fleet;
  const { sources, sent, slow, tokens } = await send(fleet, many);
  expect(sent).toBeGreaterThanOrEqual(many.requests);
  expect(tokens).toBeGreaterThan(many.tokens * 0.999);
  expect(authority.introspections).toBeGreaterThanOrEqual(tokens);
  // who waited in vain, as can be where a machine has too much else to do, asked a second time: nobody else did
  expect(authority.introspections - tokens).toBeLessThanOrEqual(slow);
  expect(authority.mostIntrospections).toBeLessThanOrEqual(slow === 0 ? 1 : instances.length);
  if (slow === 0) expect(failuresOf(fleet)).toEqual({});
  // and all the tiers had a part in it
  expect(sources.shared).toBeGreaterThan(many.requests / 4);
  expect(sources.memory).toBeGreaterThan(many.requests / 4);
});

/** Each instance is asked about each token. */
const few: Traffic = { tokens: 200, requests: 8_000, concurrency: 4, rushEvery: 20 };

it('eight instances introspect each token once each at most while Redis is down', async () => {
  const { server, authority, fleet } = await setUp({ isPatient: true });
  const before = failuresOf(fleet);
  await server.kill();
  const { sent } = await send(fleet, few);
  expect(sent).toBeGreaterThanOrEqual(few.requests);
  expect(authority.introspections).toBeGreaterThan(few.tokens);
  expect(authority.mostIntrospections).toBeLessThanOrEqual(8);
  expect(Object.entries(failuresOf(fleet)).filter(([code, count]) => count !== before[code])).toEqual([
    ['ERR_CACHE_UNAVAILABLE', expect.any(Number)],
  ]);
});

it('eight instances introspect each token once each at most while Redis stands still', async () => {
  const { server, authority, fleet } = await setUp({ tier: { commandTimeoutSeconds: 0.2 } });
  server.pause();
  await send(fleet, few);
  server.resume();
  expect(authority.introspections).toBeGreaterThan(few.tokens);
  expect(authority.mostIntrospections).toBeLessThanOrEqual(8);
  expect(failuresOf(fleet)).toHaveProperty('ERR_CACHE_OPEN');
});
