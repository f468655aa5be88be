import { createClock } from '@phantom-token/conformance';
import { clientSecretBasic } from '@phantom-token/core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Admin, openAdmin } from '../test/topologies/admin.js';
import { startAuthority } from '../test/topologies/authority.js';
import { oneStoredBy, type StoredEntry } from '../test/topologies/entries.js';
import { type FleetOptions, type Instance, startFleet } from '../test/topologies/fleet.js';
import { expectUnharmed, startLoad } from '../test/topologies/load.js';
import { forAll, forTest } from '../test/topologies/owned.js';
import { makePepper } from '../test/topologies/shared-tier.js';
import { type Standalone, startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });

const server = forAll<Standalone>(() => startStandalone());
const admin = forAll<Admin>(() => openAdmin(server()));
beforeEach(async () => {
  await admin().redis.flushall();
});

async function setUp(options: Partial<FleetOptions> = {}) {
  const clock = createClock();
  const authority = await forTest(startAuthority({ now: clock }));
  const fleet = await forTest(
    startFleet(server().address, {
      endpoint: authority.endpoint,
      size: 2,
      memoryEntries: 0,
      isPatient: true,
      client: { now: clock, maxTtlSeconds: 60 },
      ...options,
    }),
  );
  await fleet.connected();
  const [one, other] = fleet.instances as [Instance, Instance];
  return { clock, authority, fleet, one, other, redis: admin().redis };
}

describe('an entry', () => {
  it('is a miss when any byte of it is another, and then stored anew', async () => {
    const { one, authority, redis } = await setUp();
    const { key, value } = await oneStoredBy(redis, () => one.client.exchange('token'));
    // everything that stands in clear, and enough of the rest
    const positions = [...value.keys()].filter((at) => at < 64 || at % 32 === 0 || at > value.length - 20);
    for (const at of positions) {
      const changed = Buffer.from(value);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await redis.set(key, changed);
      const answer = await one.client.exchange('token');
      expect({ at, source: answer.source }).toEqual({ at, source: 'introspection' });
      expect(answer.claims.sub).toBe(authority.subjectOf('token'));
    }
    expect((await one.client.exchange('token')).source).toBe('shared');
  });

  it('is a miss when it is cut short or grew', async () => {
    const { one, redis } = await setUp();
    const { key, value } = await oneStoredBy(redis, () => one.client.exchange('token'));
    const lengths = [0, 1, 2, 3, 10, 40, 100, value.length - 1, value.length + 1, value.length + 16];
    for (const length of lengths) {
      await redis.set(key, Buffer.concat([value, Buffer.alloc(16)]).subarray(0, length));
      const { source } = await one.client.exchange('token');
      expect({ length, source }).toEqual({ length, source: 'introspection' });
    }
  });

  it('of 10 MB is not even fetched', async () => {
    const { one, redis } = await setUp();
    const { key } = await oneStoredBy(redis, () => one.client.exchange('token'));
    await redis.set(key, Buffer.alloc(10_000_000, 'x'));
    const sentBefore = await bytesSent();
    expect((await one.client.exchange('token')).source).toBe('introspection');
    expect((await bytesSent()) - sentBefore).toBeLessThan(1_000_000);

    async function bytesSent() {
      return Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
    }
  });

  it('whose deadline was moved is a miss', async () => {
    const { clock, one, redis } = await setUp();
    const { key, value } = await oneStoredBy(redis, () => one.client.exchange('token'));
    const deadline = Buffer.alloc(8);
    deadline.writeDoubleBE(clock() + 60);
    const at = value.indexOf(deadline);
    // it stands there in clear, so that is what somebody would try
    expect(at).toBeGreaterThan(0);
    const changed = Buffer.from(value);
    changed.writeDoubleBE(clock() + 3600, at);
    await redis.set(key, changed);
    expect((await one.client.exchange('token')).source).toBe('introspection');
  });

  it('ends at its deadline although Redis keeps it', async () => {
    const { clock, one, other, authority, redis } = await setUp();
    const { key } = await oneStoredBy(redis, () => one.client.exchange('token'));
    await redis.persist(key);
    clock.advance(59.9);
    expect((await other.client.exchange('token')).source).toBe('shared');
    authority.revoke('token');
    clock.advance(0.1);
    await expect(other.client.exchange('token')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
  });

  it('that was evicted and is brought back does not outlast its deadline', async () => {
    const { clock, one, other, authority, redis } = await setUp();
    const { key, value } = await oneStoredBy(redis, () => one.client.exchange('token'));
    authority.revoke('token');
    await one.client.evict('token');
    expect(await redis.exists(key)).toBe(0);
    clock.advance(60);
    await redis.set(key, value);
    for (const { client } of [one, other])
      await expect(client.exchange('token')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
  });

  it('of another release is a miss, and nothing that anybody is told of', async () => {
    const { one, redis } = await setUp();
    const { key, value } = await oneStoredBy(redis, () => one.client.exchange('token'));
    const newer = Buffer.from(value);
    newer[0] = 2;
    await redis.set(key, newer);
    await redis.set('pt:2:{whatever}', newer);
    expect((await one.client.exchange('token')).source).toBe('introspection');
    expect(one.cacheErrors.size).toBe(0);
    expect(await redis.getBuffer('pt:2:{whatever}')).toEqual(newer);
  });
});

describe('entries', () => {
  it('that change places are misses', async () => {
    const { one, authority, redis } = await setUp();
    const first = await oneStoredBy(redis, () => one.client.exchange('first'));
    const second = await oneStoredBy(redis, () => one.client.exchange('second'));
    await redis.mset(first.key, second.value, second.key, first.value);
    for (const token of ['first', 'second']) {
      const { source, claims } = await one.client.exchange(token);
      expect(source).toBe('introspection');
      expect(claims.sub).toBe(authority.subjectOf(token));
    }
  });

  const contexts: readonly (readonly [string, FleetOptions['client']])[] = [
    ['client id', { clientAuth: clientSecretBasic('another', 'secret') }],
    ['audience', { audience: 'https://other.example' }],
    ['issuer', { issuer: 'https://other.example' }],
    ['question', { extraParameters: { token_type_hint: 'access_token' } }],
    ['lifetime', { maxTtlSeconds: 61 }],
  ];

  it.each(contexts)(
    'for another %s are no others’, also when they are forced on them',
    async (_name, difference) => {
      const clock = createClock();
      const { authority, one, other, redis } = await setUp({
        client: (index) => ({
          now: clock,
          maxTtlSeconds: 60,
          ...(index === 1 ? (difference as object) : {}),
        }),
      });
      // what the second thinks of the token's claims is not the point: introspect looks at none
      const store = (instance: Instance): Promise<StoredEntry> =>
        oneStoredBy(redis, () => instance.client.introspect('token'));
      const [mine, yours] = [await store(one), await store(other)];
      expect(mine.key).not.toBe(yours.key);
      await redis.set(yours.key, mine.value);
      await other.client.introspect('token');
      expect(authority.introspectionsOf('token')).toBe(3);
    },
  );

  it('of two tenants in one database under one prefix never meet', async () => {
    const tenants = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const authority = await forTest(startAuthority({ name }));
        return {
          authority,
          fleet: await forTest(startFleet(server().address, { endpoint: authority.endpoint, size: 4 })),
        };
      }),
    );
    const nextToken = (turn: number) => `token-${Math.floor(turn / 4)}`;
    const loads = tenants.map(({ fleet, authority }) => startLoad(fleet, authority, { nextToken }));
    await Promise.all(loads.map((load) => load.more(800)));
    for (const load of loads) {
      const report = await load.stop();
      expectUnharmed(report);
      expect(report.sources.shared).toBeGreaterThan(0);
    }
  });
});

describe('the pepper', () => {
  const [old, young] = [makePepper('old'), makePepper('new')];

  it.each([
    ['is made known', { pepper: old }, { pepper: [old, young] }],
    ['comes into use', { pepper: [old, young] }, { pepper: [young, old] }],
    ['stands alone', { pepper: [young, old] }, { pepper: young }],
  ] as const)('is replaced without a miss: the new one %s', async (_title, before, after) => {
    const { fleet } = await setUp({ tier: (index) => (index === 0 ? before : after) });
    await fleet.share();
  });

  it('keeps those apart that have none in common, without an error', async () => {
    const { fleet, authority, one } = await setUp({
      size: 4,
      tier: (index) => ({ pepper: index % 2 === 0 ? old : young }),
    });
    const load = startLoad(fleet, authority);
    await load.more(400);
    const report = await load.stop();
    expectUnharmed(report);
    expect(report.sources.shared).toBeGreaterThan(0);
    expect(one.cacheErrors.size).toBe(0);
    await one.client.exchange('token');
    expect((await (fleet.instances[1] as Instance).client.exchange('token')).source).toBe('introspection');
    expect((await (fleet.instances[2] as Instance).client.exchange('token')).source).toBe('shared');
  });

  it('of one id with another secret opens nothing', async () => {
    const { one, other } = await setUp({
      tier: (index) => ({ pepper: index === 0 ? old : makePepper('old') }),
    });
    await one.client.exchange('token');
    expect((await other.client.exchange('token')).source).toBe('introspection');
  });
});

describe('instances whose clocks are five minutes apart', () => {
  it('serve without a fault, and add no more to how long a token is believed than they are apart', async () => {
    const clock = createClock();
    const lifetimeSeconds = 1_200;
    const windowSeconds = 300;
    const revokedAt = clock() + 400;
    const authority = await forTest(startAuthority({ now: clock, lifetimeSeconds }));
    const apartSeconds = 300;
    const offsets = [apartSeconds, -apartSeconds, 0];
    const fleet = await forTest(
      startFleet(server().address, {
        endpoint: authority.endpoint,
        size: 3,
        isPatient: true,
        client: (index) => ({
          now: () => clock() + (offsets[index] ?? 0),
          maxTtlSeconds: windowSeconds,
          inactiveTtlSeconds: 0,
        }),
      }),
    );
    await fleet.connected();
    const expiresAt = clock() + lifetimeSeconds;
    for (; clock() < expiresAt + 600; clock.advance(20)) {
      if (clock() >= revokedAt) authority.revoke('revoked');
      for (const [index, { client }] of fleet.instances.entries()) {
        const isAccepted = (token: string) =>
          client.exchange(token).then(
            () => true,
            (error) => {
              expect(error.code).toMatch(/^ERR_(INACTIVE|EXPIRED)$/);
              return false;
            },
          );
        const slowness = Math.max(0, -(offsets[index] ?? 0));
        // what the fast one stores lasts that much longer for the others, as long as Redis keeps it
        if (await isAccepted('revoked'))
          expect(clock()).toBeLessThan(revokedAt + windowSeconds + apartSeconds);
        else expect(clock()).toBeGreaterThanOrEqual(revokedAt);
        if (await isAccepted('token')) expect(clock()).toBeLessThan(expiresAt + slowness);
      }
    }
  });
});
