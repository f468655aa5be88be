import { cacheContract } from '@phantom-token/conformance';
import { memoryCache, tieredCache } from '@phantom-token/core';
import { describe, it, vi } from 'vitest';
import { patienceSeconds } from '../test/patience.js';
import { startCluster } from '../test/topologies/cluster.js';
import { eventually } from '../test/topologies/eventually.js';
import { forAll, forTest } from '../test/topologies/owned.js';
import { startSentinels } from '../test/topologies/replicated.js';
import { openCache, openConnection } from '../test/topologies/shared-tier.js';
import { startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });

const topologies = {
  'one server with TLS, a user and a password': async () => {
    const user = 'app on >app-password ~test-* +@read +@write +@connection +@scripting +info';
    const server = await startStandalone({ tls: 'server', password: 'admin-password', users: [user] });
    return Object.assign(server, {
      address: { ...server.address, username: 'app', password: 'app-password' },
    });
  },
  'a primary that Sentinels found': startSentinels,
  'a Cluster': startCluster,
};

describe.each(Object.entries(topologies))('the cache contract on %s', (_name, start) => {
  const topology = forAll<Awaited<ReturnType<typeof start>>>(start);

  /** Empty, since nobody else has its prefix. */
  async function makeCache() {
    const connection = await forTest(Promise.resolve(openConnection(topology().address, true)));
    const { redis } = connection;
    // a cluster's servers are connected to only when they are needed
    await eventually('all servers answer', async () => {
      const servers = 'slots' in redis ? redis.nodes('master') : [redis];
      await Promise.all(servers.map((server) => server.ping()));
      return redis.status === 'ready';
    });
    return openCache(redis, {
      keyPrefix: `test-${crypto.randomUUID()}:`,
      commandTimeoutSeconds: patienceSeconds,
    });
  }

  describe('of a shared tier', () => {
    for (const { title, run } of cacheContract({ shared: true }))
      it(title, async () => run(await makeCache()));
  });
  describe('of memory in front of it', () => {
    for (const { title, run } of cacheContract({ shared: false }))
      it(title, async () => run(tieredCache(memoryCache(), await makeCache())));
  });
});
