import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canaries,
  choose,
  createClock,
  jwtType,
  noContent,
  reply,
  signJwt,
  startScriptedServer,
} from '@phantom-token/conformance';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ownSeconds } from '../test/own-time.js';
import type { Address } from '../test/topologies/address.js';
import { openAdmin } from '../test/topologies/admin.js';
import { type Authority, startAuthority } from '../test/topologies/authority.js';
import { type ClusterNode, startCluster } from '../test/topologies/cluster.js';
import { entryKeys } from '../test/topologies/entries.js';
import { eventually } from '../test/topologies/eventually.js';
import { openLink } from '../test/topologies/link.js';
import { startMonitor } from '../test/topologies/monitor.js';
import { forTest } from '../test/topologies/owned.js';
import { startSentinels } from '../test/topologies/replicated.js';
import { digestOf } from '../test/topologies/revocations.js';
import {
  type RevokingFleetOptions,
  type RevokingInstance,
  startRevokingFleet,
} from '../test/topologies/revoking-fleet.js';
import { startStandalone } from '../test/topologies/standalone.js';
import { leaksIn } from '../test/topologies/traces.js';

vi.setConfig({ testTimeout: 300_000 });
vi.mock('./time-up.js', () => import('../test/own-time.js'));

type Pair = readonly [RevokingInstance, RevokingInstance];

async function setUp(address: Address, options: Partial<RevokingFleetOptions> = {}) {
  const { now } = options.client ?? {};
  const authority = await forTest(startAuthority(now === undefined ? {} : { now }));
  const fleet = await forTest(
    startRevokingFleet(address, { endpoint: authority.endpoint, isPatient: true, ...options }),
  );
  await fleet.ready();
  return { authority, fleet, instances: fleet.instances as Pair };
}

const inactive = { code: 'ERR_INACTIVE' };

async function refuses({ client }: RevokingInstance, token: string): Promise<boolean> {
  try {
    await client.exchange(token);
    return false;
  } catch (error) {
    expect(error).toMatchObject(inactive);
    return true;
  }
}

/** That all of them refuse before long. */
const allRefuse = (instances: readonly RevokingInstance[], token: string) =>
  eventually('all refuse the token', async () =>
    (await Promise.all(instances.map((it) => refuses(it, token)))).every((it) => it),
  );

const gapsOf = ({ party }: RevokingInstance) => party.gaps;

/** Every instance has it in memory. */
async function holdEverywhere(instances: readonly RevokingInstance[], token: string): Promise<void> {
  for (const { client } of instances) {
    await client.exchange(token);
    expect(client.exchangeOrWait(token)).toMatchObject({ source: 'memory' });
  }
}

/** Revokes it at the server and through one instance; the others have it in memory until they hear. */
async function revokeAtOne(
  authority: Authority,
  instances: readonly RevokingInstance[],
  token: string,
): Promise<void> {
  await holdEverywhere(instances, token);
  authority.revoke(token);
  await instances[0]?.client.revoke(token);
}

describe('eight instances of one Redis', () => {
  // a thousand times, and with figures, is what the benchmark is for
  it('refuse a token within a second when one of them revokes it, a hundred times', async () => {
    const { address } = await forTest(startStandalone());
    const { authority, instances } = await setUp(address);
    const seconds: number[] = [];
    for (let index = 0; index < 100; index++) {
      await revokeAtOne(authority, instances, `token-${index}`);
      seconds.push(await ownSeconds(() => allRefuse(instances, `token-${index}`)));
    }
    // a busy Redis may stop for a moment, and not every time
    expect(seconds.toSorted((a, b) => a - b)[89]).toBeLessThan(1);
    for (const instance of instances) expect(gapsOf(instance)).toBe(0);
  });

  it('refuse all tokens of a subject when one of them revokes it', async () => {
    const { address } = await forTest(startStandalone());
    const { authority, instances } = await setUp(address);
    await holdEverywhere(instances, 'token');
    authority.revoke('token');
    await instances[0].client.revokeBySubject('one:owner of token');
    await allRefuse(instances, 'token');
  });

  it('leave what Redis has of a subject alone when it was revoked before they came', async () => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    const { authority, instances } = await setUp(server.address);
    await holdEverywhere(instances, 'token');
    await holdEverywhere(instances, 'other');
    const before = await entryKeys(redis);
    await instances[0].client.revokeBySubject('one:owner of token');
    expect(await entryKeys(redis)).toEqual(before);
    const late = await forTest(
      startRevokingFleet(server.address, { size: 1, endpoint: authority.endpoint, isPatient: true }),
    );
    const [{ client, party }] = late.instances as [RevokingInstance];
    await Promise.all([late.connected(), party.listening()]);
    expect(await client.exchange('other')).toMatchObject({ source: 'shared' });
    expect(await client.exchange('token')).toMatchObject({ source: 'introspection' });
  });

  it('go on using other tokens without asking again', async () => {
    const { address } = await forTest(startStandalone());
    const { authority, instances } = await setUp(address);
    await holdEverywhere(instances, 'other');
    await revokeAtOne(authority, instances, 'token');
    await allRefuse(instances, 'token');
    for (const { client } of instances)
      expect(client.exchangeOrWait('other')).toMatchObject({ source: 'memory' });
    expect(authority.introspectionsOf('other')).toBe(1);
  });

  it('flush their memory when their subscriptions are killed', async () => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    const { instances } = await setUp(server.address);
    await holdEverywhere(instances, 'token');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually('all flush', () => instances.every((instance) => gapsOf(instance) === 1));
    for (const { client } of instances)
      expect(await client.exchange('token')).toMatchObject({ source: 'shared' });
  });
});

/** Two instances, of which the second hears the first through a link that can be cut. */
async function setUpLink(options: Partial<RevokingFleetOptions> = {}) {
  const server = await forTest(startStandalone());
  const link = await forTest(openLink(server.port));
  const subscriber = new Redis(link.port, '127.0.0.1', { retryStrategy: () => 50 });
  subscriber.on('error', () => {});
  onTestFinished(() => subscriber.disconnect());
  const channel = (index: number) => (index === 1 ? { subscriber } : {});
  return { server, link, ...(await setUp(server.address, { size: 2, channel, ...options })) };
}

describe('an instance whose subscription is cut', () => {
  it('flushes its memory as soon as it hears again', async () => {
    const { link, authority, instances } = await setUpLink();
    const [, away] = instances;
    link.silence(true);
    await away.party.cutOff();
    await revokeAtOne(authority, instances, 'token');
    expect(away.client.exchangeOrWait('token')).toMatchObject({ source: 'memory' });
    expect(gapsOf(away)).toBe(0);
    link.silence(false);
    await allRefuse([away], 'token');
    expect(gapsOf(away)).toBe(1);
  });

  it('uses what was revoked no longer than the window, though it never hears again', async () => {
    const clock = createClock();
    const { link, authority, instances } = await setUpLink({ client: { now: clock, maxTtlSeconds: 60 } });
    const [, away] = instances;
    link.silence(true);
    await away.party.cutOff();
    await holdEverywhere(instances, 'token');
    authority.revoke('token');
    await instances[0].client.revokeBySubject('one:owner of token');
    clock.advance(59.9);
    expect(await refuses(away, 'token')).toBe(false);
    clock.advance(0.1);
    expect(await refuses(away, 'token')).toBe(true);
    expect(gapsOf(away)).toBe(0);
  });
});

describe('an answer that is in the air when its token is revoked elsewhere', () => {
  it.each<[string, (instance: RevokingInstance) => Promise<void>]>([
    ['by its value', ({ client }) => client.revoke('token')],
    ['by its subject', ({ client }) => client.revokeBySubject(canaries.subject)],
    ['by its session', ({ client }) => client.revokeBySession('a session')],
  ])('%s is neither used nor stored', async (_title, revoke) => {
    const server = await forTest(startStandalone());
    const { redis } = await forTest(openAdmin(server));
    const authorization = await startScriptedServer();
    onTestFinished(() => authorization.close());
    const jwt = await signJwt({
      sub: canaries.subject,
      sid: 'a session',
      exp: Math.floor(Date.now() / 1000) + 3600,
    });
    authorization.answer(reply(200, jwtType, jwt));
    const fleet = await forTest(
      startRevokingFleet(server.address, { size: 2, endpoint: authorization.endpoint }),
    );
    await fleet.ready();
    const [one, other] = fleet.instances as Pair;
    const before = await entryKeys(redis);

    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isRevoked = false;
    const asked = authorization.calls.length;
    authorization.answer(
      choose(() =>
        isRevoked
          ? noContent()
          : reply(200, jwtType, async () => {
              await held;
              return jwt;
            }),
      ),
    );
    const waiting = other.client.exchange('token');
    waiting.catch(() => {});
    await authorization.called(asked + 1);
    isRevoked = true;
    await revoke(one);
    await eventually('it heard', () => other.party.heard.length === 1);
    release();
    await expect(waiting).rejects.toMatchObject(inactive);
    expect(await entryKeys(redis)).toEqual(before);
    expect(await refuses(other, 'token')).toBe(true);
  });
});

describe('eight instances of other topologies', () => {
  it('hear each other on a Cluster, whichever server they are subscribed at, and again when one is killed', async () => {
    const cluster = await forTest(startCluster());
    const { authority, instances } = await setUp(cluster.address);
    for (let index = 0; index < 10; index++) {
      await revokeAtOne(authority, instances, `token-${index}`);
      await allRefuse(instances, `token-${index}`);
    }
    const counts = await Promise.all(
      cluster.primaries.map(async ({ admin: { redis } }) => Number((await redis.pubsub('CHANNELS')).length)),
    );
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1);
    const heard = cluster.primaries[counts.findIndex((count) => count > 0)] as ClusterNode;
    await cluster.letReplace(heard);
    await heard.server.kill();
    await eventually('some flush', () => instances.some((instance) => gapsOf(instance) > 0));
    await Promise.all(instances.map(({ party }) => party.listening()));
    await eventually('it can be said again', async () => {
      await instances[0].party.channel.publish(digestOf('said'));
      return instances.every(({ party }) => party.heard.includes(digestOf('said')));
    });
  });

  it('hear each other under Sentinels, before and after a failover', async () => {
    const sentinels = await forTest(startSentinels());
    const { authority, instances } = await setUp(sentinels.address);
    await revokeAtOne(authority, instances, 'before');
    await allRefuse(instances, 'before');
    await sentinels.killPrimary();
    await eventually('all flush', () => instances.every((instance) => gapsOf(instance) > 0));
    await Promise.all(instances.map(({ party }) => party.listening()));
    await eventually('it can be said again', async () => {
      await instances[0].party.channel.publish(digestOf('said'));
      return instances.every(({ party }) => party.heard.includes(digestOf('said')));
    });
    await holdEverywhere(instances, 'after');
    authority.revoke('after');
    // a connection may be made anew once more: who is told that it could not be said says it again
    await eventually('it is revoked', async () => {
      await instances[0].client.revoke('after');
      return true;
    });
    await allRefuse(instances, 'after');
  });
});

describe('what Redis learns of revocations', () => {
  it('holds no token, subject, session or digest', async () => {
    const config = ['rdbcompression no', 'slowlog-log-slower-than 0'];
    const server = await forTest(startStandalone({ config }));
    const { redis } = await forTest(openAdmin(server));
    const monitor = await forTest(startMonitor(server));
    const spy = new Redis(server.port, '127.0.0.1');
    onTestFinished(() => spy.disconnect());
    const published: Buffer[] = [];
    spy.on('pmessageBuffer', (_pattern: string, channel: Buffer, message: Buffer) =>
      published.push(channel, message),
    );
    await spy.psubscribe('*');
    const { instances } = await setUp(server.address);
    const [{ client, party }, other] = instances;
    const session = 'CANARYsession-77aa';
    await holdEverywhere(instances, canaries.token);
    await client.revoke(canaries.token);
    await client.revokeBySubject(canaries.subject);
    await client.revokeBySession(session);
    await eventually('all three are heard', () => other.party.heard.length === 3 && published.length === 6);
    expect(new Set(party.heard).size).toBe(3);
    await redis.save();
    const keys = await redis.keys('pt:revocations:*');
    expect(keys).toHaveLength(1);
    const dump = Buffer.concat([
      await readFile(join(server.data, 'dump.rdb')),
      Buffer.from(JSON.stringify([keys, await redis.slowlog('GET', -1)])),
      ...published,
      await monitor.captured(),
    ]);
    const digests = Object.fromEntries(party.heard.map((digest, index) => [`digest ${index}`, digest]));
    expect(leaksIn(dump, { ...canaries, session, ...digests })).toEqual([]);
    const raw = party.heard.map((digest) => Buffer.from(digest, 'base64url'));
    expect(raw.filter((bytes) => dump.includes(bytes))).toEqual([]);
  });
});
