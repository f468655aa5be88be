import { type Address, onLoopback } from './address.js';
import { type Admin, openAdmin } from './admin.js';
import { eventually } from './eventually.js';
import { type Own, type Owned, together } from './owned.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { type Standalone, startStandalone } from './standalone.js';

export interface Replicated extends Owned {
  readonly primary: Standalone;
  readonly replicas: readonly Standalone[];
}

export interface ReplicatedOptions {
  readonly replicas?: number;
  /** Further lines of every server's configuration. */
  readonly config?: readonly string[];
}

/** A primary with replicas that are in step with it. */
export const startReplicated = (options?: ReplicatedOptions): Promise<Replicated> =>
  together((own) => replicate(own, options));

async function replicate(own: Own, { replicas = 1, config = [] }: ReplicatedOptions = {}) {
  const primary = await own(startStandalone({ config }));
  const followers = await Promise.all(
    Array.from({ length: replicas }, () =>
      own(startStandalone({ config: [...config, `replicaof 127.0.0.1 ${primary.port}`] })),
    ),
  );
  const admin = await openAdmin(primary);
  try {
    await eventually('the replicas are in step', async () => {
      const online = (await admin.redis.info('replication')).match(/state=online/g) ?? [];
      return online.length === replicas;
    });
  } finally {
    await admin.end();
  }
  return { primary, replicas: followers };
}

export interface Sentinels extends Replicated {
  readonly address: Address;
  readonly sentinels: readonly ServerProcess[];
  /** The port of the primary, as the first sentinel that runs has it. */
  primaryPort(): Promise<number>;
  /** Has the sentinels make a replica the primary while the old one runs on; ends when they all say so. */
  failover(): Promise<void>;
  /** Kills the primary; ends when the sentinels have made a replica the primary. */
  killPrimary(): Promise<void>;
  /** The same with SIGSTOP: the old primary keeps its connections. */
  pausePrimary(): Promise<void>;
  resumeAll(): void;
}

const groupName = 'tokens';

/** Until they are to, they take nobody for dead. */
const beWary = ['down-after-milliseconds', '500'];

/** Sentinels look at everything far more often than they do by default. Redis 7 and Valkey know this; others are slow. */
const hurry = ['info-period', '300', 'ask-period', '100'];
// or they do nothing for half a minute after the machine stood still
const keepWits = ['tilt-trigger', '600000'];
const findEachOther = ['publish-period', '100'];
// four of these is how long they let a replica call itself the primary before they correct it: time for a failover
const beCalm = ['publish-period', '1000'];

/** A primary with replicas and three Sentinels that fail over within a second or two. */
export const startSentinels = (options?: ReplicatedOptions): Promise<Sentinels> =>
  together(async (own) => {
    const servers = await replicate(own, { replicas: 2, ...options });
    const all = [servers.primary, ...servers.replicas];
    const sentinels = await Promise.all(
      Array.from({ length: 3 }, () => own(startSentinel(servers.primary.port))),
    );
    const admins = await Promise.all(sentinels.map((sentinel) => own(openAdmin(sentinel))));
    const adjust = (...periods: readonly string[]) =>
      Promise.all(admins.map(({ redis }) => redis.call('SENTINEL', 'DEBUG', ...periods).catch(() => {})));
    await adjust(...hurry, ...findEachOther);
    await adjust(...keepWits);
    await Promise.all(admins.map((admin) => knowsEverybody(admin, servers.replicas.length)));
    await adjust(...beCalm);

    const believed = async ({ redis }: Admin) => {
      const reply = (await redis.call('SENTINEL', 'get-master-addr-by-name', groupName)) as [string, string];
      return Number(reply[1]);
    };
    const primaryPort = () => believed(admins[0] as Admin);
    const moved = (from: number) =>
      eventually(
        'the sentinels have another primary, and it takes writes',
        async () => {
          const [port, ...others] = await Promise.all(admins.map(believed));
          return port !== undefined && port !== from && others.every((it) => it === port) && isPrimary(port);
        },
        120,
      );

    const lose = async (how: (primary: Standalone) => Promise<void>) => {
      const from = await primaryPort();
      const primary = all.find(({ port }) => port === from);
      if (primary === undefined) throw new Error('the sentinels name a server that is not theirs');
      await Promise.all(admins.map(({ redis }) => redis.call('SENTINEL', 'SET', groupName, ...beWary)));
      await how(primary);
      await moved(from);
    };

    return {
      ...servers,
      sentinels,
      address: { sentinels: sentinels.map(({ port }) => onLoopback(port)), name: groupName },
      primaryPort,
      async failover() {
        const from = await primaryPort();
        // not while it takes the replicas for dead, as after the machine stood still
        await eventually('a failover begins', async () => {
          await (admins[0] as Admin).redis.call('SENTINEL', 'FAILOVER', groupName);
          return true;
        });
        await moved(from);
      },
      killPrimary: () => lose((server) => server.kill()),
      pausePrimary: () => lose(async (server) => server.pause()),
      resumeAll() {
        for (const server of all) server.resume();
      },
    };
  });

const startSentinel = (primaryPort: number): Promise<ServerProcess> =>
  startServerProcess({
    args: ['--sentinel'],
    ready: /Sentinel ID is/,
    config: (port) => [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor ${groupName} 127.0.0.1 ${primaryPort} 2`,
      `sentinel down-after-milliseconds ${groupName} 60000`,
      `sentinel failover-timeout ${groupName} 3000`,
    ],
  });

const knowsEverybody = ({ redis }: Admin, replicas: number) =>
  eventually('the sentinels know each other and the replicas', async () => {
    const [known, others] = (await Promise.all([
      redis.call('SENTINEL', 'replicas', groupName),
      redis.call('SENTINEL', 'sentinels', groupName),
    ])) as [unknown[], unknown[]];
    return known.length === replicas && others.length === 2;
  });

async function isPrimary(port: number): Promise<boolean> {
  const admin = await openAdmin({ port });
  try {
    return /role:master/.test(await admin.redis.info('replication'));
  } finally {
    await admin.end();
  }
}
