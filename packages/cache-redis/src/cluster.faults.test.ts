import type { Cluster } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { type ClusterNode, type ClusterTopology, slotsOf, startCluster } from '../test/topologies/cluster.js';
import { entryKeys } from '../test/topologies/entries.js';
import { eventually } from '../test/topologies/eventually.js';
import { expectBoundedIntrospections, expectUnharmed, startLoad } from '../test/topologies/load.js';
import { forAll } from '../test/topologies/owned.js';
import { setStage } from '../test/topologies/stage.js';

vi.setConfig({ testTimeout: 300_000 });

/** How often the servers answered with this error so far. */
async function answeredWith({ primaries }: ClusterTopology, word: string): Promise<number> {
  const infos = await Promise.all(primaries.map(({ admin: { redis } }) => redis.info('errorstats')));
  const counts = infos.map((info) => new RegExp(`errorstat_${word}:count=(\\d+)`).exec(info)?.[1] ?? '0');
  return counts.map(Number).reduce((sum, count) => sum + count, 0);
}

/** When they have answered so once more, or for the first time. */
async function answersWith(topology: ClusterTopology, word: string): Promise<void> {
  const before = await answeredWith(topology, word);
  await eventually(`they say ${word}`, async () => (await answeredWith(topology, word)) > before);
}

describe('eight instances of a cluster', () => {
  const topology = forAll(startCluster);

  it('keep their entries on all its primaries, and need no key of two slots at once', async () => {
    const { authority, fleet } = await setStage(topology().address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(400);
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    for (const { admin } of topology().primaries)
      expect((await entryKeys(admin.redis)).length).toBeGreaterThan(0);
    expect(await answeredWith(topology(), 'CROSSSLOT')).toBe(0);
  });

  it('go on while slots move from one primary to another, and back', async () => {
    const [one, other] = topology().primaries as [ClusterNode, ClusterNode];
    const { authority, fleet } = await setStage(topology().address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const slots = slotsOf(0).slice(0, 2_000);
    const meanwhile = () => Promise.all([load.more(400), answersWith(topology(), 'ASK')]);
    const afterwards = () => Promise.all([load.more(200), answersWith(topology(), 'MOVED')]);
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const moved = afterwards();
      await topology().moveSlots(slots, from, to, meanwhile);
      await moved;
    }
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    for (const word of ['CROSSSLOT', 'TRYAGAIN']) expect(await answeredWith(topology(), word)).toBe(0);
  });

  it('go on while slots are nobody’s', async () => {
    const { authority, fleet } = await setStage(topology().address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const { redis } = (topology().primaries[2] as ClusterNode).admin;
    const slots = slotsOf(2);
    await redis.call('CLUSTER', 'DELSLOTS', ...slots);
    await Promise.all([load.more(800), answersWith(topology(), 'CLUSTERDOWN')]);
    await redis.call('CLUSTER', 'ADDSLOTS', ...slots);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('go on while a primary stands still', async () => {
    const { authority, fleet } = await setStage(topology().address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const { server } = topology().primaries[1] as ClusterNode;
    server.pause();
    await load.more(600);
    server.resume();
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  // the last one: what it leaves behind is another cluster
  it('go on while a primary is killed, and use the replica that takes its place', async () => {
    const { authority, fleet } = await setStage(topology().address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    const [primary] = topology().primaries as [ClusterNode];
    const [replica] = topology().replicas as [ClusterNode];
    await topology().letReplace(primary);
    await primary.server.kill();
    await eventually('every instance asks the replica as a primary', () =>
      fleet.instances.every(({ connection }) =>
        (connection.redis as Cluster)
          .nodes('master')
          .some(({ options, status }) => options.port === replica.server.port && status === 'ready'),
      ),
    );
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });
});
