import { type Address, onLoopback } from './address.js';
import { type Admin, openAdmin } from './admin.js';
import { eventually } from './eventually.js';
import { busOffset } from './free-port.js';
import { type Owned, together } from './owned.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { commonConfig } from './standalone.js';

export interface ClusterNode extends Owned {
  readonly server: ServerProcess;
  readonly admin: Admin;
  readonly id: string;
}

export interface ClusterTopology extends Owned {
  readonly address: Address;
  readonly primaries: readonly ClusterNode[];
  /** In the order of their primaries. */
  readonly replicas: readonly ClusterNode[];
  /**
   * Moves slots with all that stands in them from one primary to another while clients go on. Between opening and moving
   * them, when half of what clients ask for is on either side, waits for what it is given.
   */
  moveSlots(
    slots: readonly number[],
    from: ClusterNode,
    to: ClusterNode,
    meanwhile: () => Promise<unknown>,
  ): Promise<void>;
  /** From now on this primary's replica takes its place when it is gone: not before, for the machine may stand still. */
  letReplace(primary: ClusterNode): Promise<void>;
}

const slotCount = 16_384;
/** How long nodes let each other be silent: short while they get to know each other, or are to fail over. Milliseconds. */
const nodeTimeout = { short: 1_000, long: 10_000 };

/** The slots that the primary with this index begins with. */
export function slotsOf(index: number): readonly number[] {
  const first = Math.floor((slotCount * index) / 3);
  const next = Math.floor((slotCount * (index + 1)) / 3);
  return Array.from({ length: next - first }, (_, at) => first + at);
}

/** Three primaries with a replica each; every slot is served. */
export const startCluster = (): Promise<ClusterTopology> =>
  together(async (own) => {
    const nodes = await Promise.all(Array.from({ length: 6 }, () => own(startNode())));
    const primaries = nodes.slice(0, 3);
    const replicas = nodes.slice(3);

    await Promise.all(
      primaries.map(async ({ admin: { redis } }, index) => {
        // told apart from the start, instead of by elections
        await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
        await redis.call('CLUSTER', 'ADDSLOTS', ...slotsOf(index));
      }),
    );
    await Promise.all(nodes.slice(1).map((node) => meet(nodes[0] as ClusterNode, node)));
    await eventually('every node knows every other', async () => {
      const counts = await Promise.all(
        nodes.map(async ({ admin: { redis } }) => {
          const known = (await redis.call('CLUSTER', 'NODES')) as string;
          return known.split('\n').filter((line) => line !== '' && !/handshake|noaddr/.test(line)).length;
        }),
      );
      return counts.every((count) => count === 6);
    });
    await Promise.all(
      replicas.map(({ admin: { redis } }, index) =>
        redis.call('CLUSTER', 'REPLICATE', (primaries[index] as ClusterNode).id),
      ),
    );
    await eventually('every slot is served, and every replica is in step', async () => {
      const states = await Promise.all(nodes.map(({ admin: { redis } }) => redis.call('CLUSTER', 'INFO')));
      const links = await Promise.all(replicas.map(({ admin: { redis } }) => redis.info('replication')));
      return (
        states.every((state) => /cluster_state:ok/.test(state as string)) &&
        links.every((link) => /master_link_status:up/.test(link))
      );
    });
    await Promise.all(nodes.map((node) => configure(node, 'cluster-node-timeout', nodeTimeout.long)));
    return {
      address: { cluster: primaries.map(({ server }) => onLoopback(server.port)) },
      primaries,
      replicas,
      moveSlots: (
        slots: readonly number[],
        from: ClusterNode,
        to: ClusterNode,
        meanwhile: () => Promise<unknown>,
      ) => moveSlots(slots, [to, from, ...primaries.filter((it) => it !== to && it !== from)], meanwhile),
      async letReplace(primary: ClusterNode) {
        const others = nodes.filter((node) => node !== primary);
        await Promise.all(others.map((node) => configure(node, 'cluster-node-timeout', nodeTimeout.short)));
        const replica = replicas[primaries.indexOf(primary)] as ClusterNode;
        await configure(replica, 'cluster-replica-no-failover', 'no');
      },
    };
  });

const startNode = (): Promise<ClusterNode> =>
  together(async (own) => {
    const server = await own(
      startServerProcess({
        config: (port) => [
          ...commonConfig(port),
          'cluster-enabled yes',
          'cluster-config-file nodes.conf',
          `cluster-node-timeout ${nodeTimeout.short}`,
          'cluster-replica-no-failover yes',
          'cluster-replica-validity-factor 0',
        ],
      }),
    );
    const admin = await own(openAdmin(server));
    const id = (await admin.redis.call('CLUSTER', 'MYID')) as string;
    return { server, admin, id };
  });

const configure = ({ admin: { redis } }: ClusterNode, name: string, value: string | number) =>
  redis.config('SET', name, value);

const meet = ({ admin: { redis } }: ClusterNode, { server: { port } }: ClusterNode) =>
  redis.call('CLUSTER', 'MEET', '127.0.0.1', port, port + busOffset);

/** As redis-cli does it: opened at the receiver, then at the giver; the keys over; then everybody is told, in this order. */
async function moveSlots(
  slots: readonly number[],
  everybody: readonly ClusterNode[],
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const [to, from] = everybody as [ClusterNode, ClusterNode];
  const setAll = ({ admin: { redis } }: ClusterNode, state: string, id: string) =>
    Promise.all(slots.map((slot) => redis.call('CLUSTER', 'SETSLOT', slot, state, id)));
  await setAll(to, 'IMPORTING', from.id);
  await setAll(from, 'MIGRATING', to.id);
  await meanwhile();
  await Promise.all(slots.map((slot) => moveKeys(slot, from, to)));
  for (const node of everybody) await setAll(node, 'NODE', to.id);
}

async function moveKeys(slot: number, { admin: { redis } }: ClusterNode, to: ClusterNode): Promise<void> {
  for (;;) {
    const keys = (await redis.call('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as string[];
    if (keys.length === 0) return;
    await redis.call('MIGRATE', '127.0.0.1', to.server.port, '', 0, 60_000, 'REPLACE', 'KEYS', ...keys);
  }
}
