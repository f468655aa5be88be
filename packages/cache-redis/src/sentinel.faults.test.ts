import { createClock } from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { openAdmin } from '../test/topologies/admin.js';
import { startAuthority } from '../test/topologies/authority.js';
import { entryKeys } from '../test/topologies/entries.js';
import { eventually } from '../test/topologies/eventually.js';
import { type FleetOptions, failuresOf, type Instance, startFleet } from '../test/topologies/fleet.js';
import { freePort } from '../test/topologies/free-port.js';
import { openLink } from '../test/topologies/link.js';
import { expectBoundedIntrospections, expectUnharmed, startLoad } from '../test/topologies/load.js';
import { forTest } from '../test/topologies/owned.js';
import { startReplicated, startSentinels } from '../test/topologies/replicated.js';
import { setStage } from '../test/topologies/stage.js';
import type { Standalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });

async function setUp(options: Pick<FleetOptions, 'isPatient'> = {}) {
  const sentinels = await forTest(startSentinels());
  return { sentinels, ...(await setStage(sentinels.address, options)) };
}

describe('eight instances go on without a fault of their own, and share again without a restart, when', () => {
  it('the sentinels make another server the primary', async () => {
    const { sentinels, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await sentinels.failover();
    await load.more(200);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('the primary is killed', async () => {
    const { sentinels, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await sentinels.killPrimary();
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('the primary stands still and comes back as a replica', async () => {
    const { sentinels, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await sentinels.pausePrimary();
    await fleet.share();
    sentinels.resumeAll();
    await load.more(400);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('the server behind an address is demoted, keeps their connections, and the address is another’s', async () => {
    const { primary, replicas } = await forTest(startReplicated());
    const [replica] = replicas as [Standalone];
    const link = await forTest(openLink(primary.port));
    const { authority, fleet } = await setStage({ url: `redis://127.0.0.1:${link.port}` });
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const demoted = await forTest(openAdmin(primary));
    const promoted = await forTest(openAdmin(replica));
    await promoted.redis.replicaof('NO', 'ONE');
    link.leadTo(replica.port);
    await demoted.redis.replicaof('127.0.0.1', replica.port);
    await load.more(400);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    // nobody but themselves closed the connections that they had
    expect(link.connections).toBeGreaterThanOrEqual(2 * fleet.instances.length);
  });

  it('all sentinels are gone', async () => {
    const { sentinels, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await Promise.all(sentinels.sentinels.map((sentinel) => sentinel.kill()));
    await load.more(400);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });
});

describe('what a new primary has', () => {
  it('ends when it would have ended on the old one', async () => {
    const { sentinels, fleet } = await setUp({ isPatient: true });
    const [{ client }] = fleet.instances as [Instance];
    await fleet.connected();
    await Promise.all(Array.from({ length: 20 }, (_, index) => client.exchange(`token-${index}`)));
    const left = async (port: number) => {
      const { redis } = await forTest(openAdmin({ port }));
      return Promise.all((await entryKeys(redis)).map((key) => redis.pttl(key)));
    };
    const startedAt = performance.now();
    const before = await left(await sentinels.primaryPort());
    expect(before).toHaveLength(20);
    await eventually('the replicas have everything', async () => {
      const all = await Promise.all(sentinels.replicas.map(({ port }) => left(port)));
      return all.every((it) => it.length === before.length);
    });
    await sentinels.killPrimary();
    const after = await left(await sentinels.primaryPort());
    const passed = performance.now() - startedAt;
    expect(after).toHaveLength(20);
    after.forEach((milliseconds, index) => {
      expect(milliseconds).toBeLessThan(before[index] ?? 0);
      expect(milliseconds).toBeGreaterThan((before[index] ?? 0) - passed - 1_000);
    });
  });
});

describe('a replica that has not heard of a revocation', () => {
  it('is believed no longer than the entry lasts', async () => {
    const clock = createClock();
    const { primary, replicas } = await forTest(startReplicated());
    const authority = await forTest(startAuthority({ now: clock }));
    const [replica] = replicas;
    if (replica === undefined) throw new Error('there is a replica');
    const fleet = await forTest(
      startFleet((index) => (index === 0 ? primary : replica).address, {
        size: 2,
        endpoint: authority.endpoint,
        isPatient: true,
        client: { now: clock, maxTtlSeconds: 60 },
      }),
    );
    const [{ client: writer }, { client: reader }] = fleet.instances as [Instance, Instance];
    await fleet.connected();
    await writer.exchange('token');
    const { redis } = await forTest(openAdmin(replica));
    await eventually('the replica has it', async () => (await entryKeys(redis)).length === 1);
    // from here on it hears nothing more
    await redis.replicaof('127.0.0.1', await freePort());
    authority.revoke('token');
    await writer.evict('token');
    await expect(writer.exchange('token')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });

    clock.advance(59);
    expect(await reader.exchange('token')).toMatchObject({ source: 'shared' });
    clock.advance(1);
    await expect(reader.exchange('token')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
  });

  it('says MASTERDOWN where it must not answer, which is a miss', async () => {
    const { primary, replicas } = await forTest(startReplicated({ config: ['replica-serve-stale-data no'] }));
    const [replica] = replicas;
    if (replica === undefined) throw new Error('there is a replica');
    const { authority, fleet } = await setStage(replica.address);
    await fleet.connected();
    await primary.kill();
    const load = startLoad(fleet, authority);
    await load.more(400);
    await eventually('the instances notice', () => 'MASTERDOWN' in failuresOf(fleet));
    expectUnharmed(await load.stop());
  });
});
