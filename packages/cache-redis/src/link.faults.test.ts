import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { openAdmin } from '../test/topologies/admin.js';
import { eventually } from '../test/topologies/eventually.js';
import type { Fleet, Instance } from '../test/topologies/fleet.js';
import { type LinkQuality, openLink } from '../test/topologies/link.js';
import {
  expectBoundedIntrospections,
  expectLeftAlone,
  expectUnharmed,
  startLoad,
} from '../test/topologies/load.js';
import { forTest } from '../test/topologies/owned.js';
import { setStage } from '../test/topologies/stage.js';
import { startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });

async function setUp(size?: number) {
  const server = await forTest(startStandalone());
  const link = await forTest(openLink(server.port));
  const stage = await setStage({ url: `redis://127.0.0.1:${link.port}` }, size === undefined ? {} : { size });
  return { server, link, ...stage };
}

/** How many connections the server has, beside the one that asks. */
const clientsOf = async (redis: Redis) =>
  Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]) - 1;

/** Commands that were sent and not answered, and such as were kept for later. */
const queueLengths = ({ instances }: Fleet) =>
  instances.map(({ connection }) => {
    const { commandQueue, offlineQueue } = connection.redis as unknown as Record<string, { length: number }>;
    return { sent: commandQueue?.length ?? 0, kept: offlineQueue?.length ?? 0 };
  });

describe('eight instances go on without a fault of their own, and share again without a restart, when the way to Redis', () => {
  const qualities: readonly (readonly [string, LinkQuality])[] = [
    ['takes half a second', { latencySeconds: 0.5 }],
    ['takes just longer than a command may', { latencySeconds: 0.03 }],
    ['lets a kilobyte a second through', { bytesPerSecond: 1_000 }],
  ];

  it.each(qualities)('%s', async (_title, quality) => {
    const { link, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    link.become(quality);
    await load.more(700);
    for (const { sent, kept } of queueLengths(fleet)) {
      // what is kept for later is sent when nobody wants it any more
      expect(kept).toBe(0);
      expect(sent).toBeLessThan(50);
    }
    expectLeftAlone(fleet);
    link.become({});
    await fleet.share();
    const connections = link.connections;
    const report = await load.stop();
    // it heals by itself, without another connection, unless the machine has stood still for as long as one may be silent
    if (quality.latencySeconds !== undefined && report.stallSeconds < 1)
      expect(connections).toBe(fleet.instances.length);
    expectUnharmed(report);
    expectBoundedIntrospections(fleet, authority);
  });

  it('swallows everything and stays open', async () => {
    const { link, authority, fleet } = await setUp();
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    link.silence(true);
    await load.more(700);
    for (const { sent, kept } of queueLengths(fleet)) expect(sent + kept).toBeLessThan(50);
    expectLeftAlone(fleet);
    link.silence(false);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('breaks off again and again, which leaves no listener, timer or connection behind', async () => {
    const { server, link, authority, fleet } = await setUp();
    const { redis } = await forTest(openAdmin(server));
    await fleet.share();
    const connections = fleet.instances.map(({ connection }) => connection.redis as Redis);
    const listeners = () =>
      connections.map((redis) => redis.eventNames().map((name) => redis.listenerCount(name)));
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = { listeners: listeners(), timers: timers() };
    const load = startLoad(fleet, authority);
    for (let turn = 0; turn < 40 || link.connections <= 20; turn++) {
      await load.more(25);
      link.breakOff();
    }
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    await eventually('no listener is left', () => isDeepStrictEqual(listeners(), before.listeners));
    // those of a command, and of idle connections to the authorization server, come and go
    await eventually('no timer is left', () => timers() < before.timers + 20);
    await eventually(
      'no connection is left',
      async () => (await clientsOf(redis)) === fleet.instances.length,
    );
  });
});

describe('a request gets its right answer from the authorization server when Redis answers with', () => {
  const words = [
    ...['LOADING Redis is loading the dataset in memory', 'BUSY Redis is busy running a script'],
    ...['MASTERDOWN Link with MASTER is down', 'MISCONF Redis is configured to save RDB snapshots'],
    ...['TRYAGAIN Multiple keys request during rehashing of slot', 'CLUSTERDOWN The cluster is down'],
    ...["READONLY You can't write against a read only replica.", 'NOREPLICAS Not enough good replicas'],
    ...['OOM command not allowed', 'NOPERM no permissions', 'NOAUTH Authentication required.'],
    ...[
      'WRONGTYPE Operation against a key',
      'MOVED 1 127.0.0.1:1',
      'ASK 1 127.0.0.1:1',
      'ERR unknown command',
    ],
    ...['SOMETHING new', '', '\u0000'],
  ].map((word): [string, string] => [`-${word}`, `-${word}\r\n`]);
  const odd: readonly (readonly [string, string])[] = [
    ['another type', '+OK\r\n'],
    ['a number', ':1\r\n'],
    ['nothing', '$-1\r\n'],
    ['an empty string', '$0\r\n\r\n'],
    ['a list', '*1\r\n$1\r\na\r\n'],
    ['a map', '%1\r\n+a\r\n:1\r\n'],
    ['true', '#t\r\n'],
    ['more than was asked for', '+OK\r\n+OK\r\n+OK\r\n'],
    ['half an answer', '$100\r\nabc'],
    ['a length without end', '$99999999999\r\n'],
    ['a list without end', '*2147483647\r\n'],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['noise', '\u0000\u0001\u0002\r\n\u00ff\r\n'],
  ];

  it.each([...words, ...odd])('%s', async (title, bytes) => {
    const { link, authority, fleet } = await setUp(2);
    const [{ client, cacheErrors }] = fleet.instances as [Instance, Instance];
    await fleet.connected();
    link.answer(bytes);
    for (const token of ['one', 'two', 'three']) {
      const { claims, source } = await client.exchange(token);
      expect(claims.sub).toBe(authority.subjectOf(token));
      expect(source).toBe('introspection');
      expect(authority.introspectionsOf(token)).toBe(1);
    }
    await expect(client.exchange('unknown-token')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
    const code = /^-([A-Z]+)/.exec(title)?.[1] ?? 'ERR_CACHE_UNAVAILABLE';
    let more = 0;
    // one that came too late is not looked at, and may have cost the connection all the same
    if (title.startsWith('-'))
      await eventually('it is told', async () => {
        if (cacheErrors.has(code)) return true;
        link.answer(undefined);
        await fleet.connected();
        link.answer(bytes);
        await client.exchange(`more-${more++}`);
        return false;
      });
    link.answer(undefined);
    link.breakOff();
    await fleet.share();
  });
});
