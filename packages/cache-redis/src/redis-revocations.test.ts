import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { patienceSeconds } from '../test/patience.js';
import { type Admin, openAdmin } from '../test/topologies/admin.js';
import { eventually } from '../test/topologies/eventually.js';
import { freePort } from '../test/topologies/free-port.js';
import { openLink } from '../test/topologies/link.js';
import { startMonitor } from '../test/topologies/monitor.js';
import { forTest } from '../test/topologies/owned.js';
import { digestOf, openParty, type Party } from '../test/topologies/revocations.js';
import { makePepper, pepper } from '../test/topologies/shared-tier.js';
import { type Standalone, type StandaloneOptions, startStandalone } from '../test/topologies/standalone.js';
import { leaksIn } from '../test/topologies/traces.js';
import { readPeppers } from './pepper.js';
import {
  type RedisRevocations,
  type RedisRevocationsOptions,
  redisRevocations,
} from './redis-revocations.js';
import { createRevocationMessages, messageBytes } from './revocation-messages.js';

vi.setConfig({ testTimeout: 300_000 });
vi.mock('./time-up.js', () => import('../test/own-time.js'));

const patient = { pepper, commandTimeoutSeconds: patienceSeconds };
const name = `pt:revocations:1:{${pepper.id}}`;

interface Stage {
  readonly server: Standalone;
  readonly admin: Admin['redis'];
  open(options?: Partial<RedisRevocationsOptions>): Promise<Party>;
  /** As many, all listening. */
  openAll(count: number): Promise<readonly Party[]>;
}

async function setUp(options: StandaloneOptions = {}): Promise<Stage> {
  const server = await forTest(startStandalone(options));
  const { redis: admin } = await forTest(openAdmin(server));
  const open = (own: Partial<RedisRevocationsOptions> = {}) =>
    forTest(Promise.resolve(openParty(server.address, own)));
  return {
    server,
    admin,
    open,
    async openAll(count) {
      const parties = await Promise.all(Array.from({ length: count }, () => open()));
      await Promise.all(parties.map((party) => party.listening()));
      return parties;
    },
  };
}

/** Says something else, and waits until it is heard: what was said before is heard by then, or never. */
async function drain(from: Party, parties: readonly Party[]): Promise<void> {
  const last = digestOf(`last-${crypto.randomUUID()}`);
  await from.channel.publish(last);
  await eventually('all hear the last word', () => parties.every(({ heard }) => heard.includes(last)));
}

const without = (heard: readonly string[]) => heard.filter((digest) => !digest.startsWith('last-'));

describe('what one says', () => {
  it('all hear, whoever says it, themselves included, once', async () => {
    const parties = await (await setUp()).openAll(8);
    const said = parties.map((_party, index) => digestOf(`digest-${index}`));
    await Promise.all(parties.map((party, index) => party.channel.publish(said[index] ?? '')));
    await drain(parties[0] as Party, parties);
    for (const { heard, gaps } of parties) {
      expect(without(heard).toSorted()).toEqual(said);
      expect(gaps).toBe(0);
    }
  });

  it('is heard by every listener of a channel until it leaves, although one of them fails', async () => {
    const [party] = (await (await setUp()).openAll(1)) as [Party];
    party.channel.subscribe(
      () => {
        throw new Error('broken');
      },
      () => {},
    );
    const other = party.listen();
    await party.channel.publish(digestOf('a'));
    await drain(party, [party]);
    expect(without(other.heard)).toEqual([digestOf('a')]);
    other.leave();
    other.leave();
    await party.channel.publish(digestOf('b'));
    await drain(party, [party]);
    expect(without(party.heard)).toEqual([digestOf('a'), digestOf('b')]);
    expect(without(other.heard)).toEqual([digestOf('a')]);
  });

  it('is heard by who comes later, for as long as Redis keeps it', async () => {
    const { open, openAll, admin } = await setUp();
    const [party] = (await openAll(1)) as [Party];
    for (const said of ['a', 'b', 'c']) await party.channel.publish(digestOf(said));
    const late = await open();
    await late.listening();
    expect(late.heard).toEqual([digestOf('a'), digestOf('b'), digestOf('c')]);
    expect(late.gaps).toBe(0);
    expect(await admin.ttl(name)).toBeGreaterThan(3500);
    expect(await admin.ttl(name)).toBeLessThanOrEqual(3600);
  });

  it('is heard by who joins a channel later, and not again by who was there', async () => {
    const [party] = (await (await setUp()).openAll(1)) as [Party];
    await party.channel.publish(digestOf('a'));
    await drain(party, [party]);
    const other = party.listen();
    await eventually('it was told', () => other.heard.includes(digestOf('a')));
    await drain(party, [party]);
    expect(without(party.heard)).toEqual([digestOf('a')]);
    expect(without(other.heard)).toEqual([digestOf('a')]);
    expect(other.gaps()).toBe(0);
  });

  it('is heard in pages by who comes after much was said', async () => {
    const { open, openAll } = await setUp();
    const [party] = (await openAll(1)) as [Party];
    const said = Array.from({ length: 1_234 }, (_, index) => digestOf(`digest-${index}`));
    await Promise.all(said.map((digest) => party.channel.publish(digest)));
    const late = await open();
    await late.listening();
    expect(late.heard.toSorted()).toEqual(said.toSorted());
  });

  it('is kept for memorySeconds by the clock of Redis, and heard for as long by the listener’s', async () => {
    const { open, admin } = await setUp();
    const old = await open({ memorySeconds: 60, now: () => Date.now() / 1000 - 20 });
    await old.listening();
    await old.channel.publish(digestOf('old'));
    const [[, [, message]]] = (await admin.xrangeBuffer(name, '-', '+')) as never as [
      [Buffer, [Buffer, Buffer]],
    ];
    // as if it stood there since then: a stream that is trimmed in whole nodes keeps some for longer
    await admin.del(name);
    for (let index = 0; index < 300; index++)
      await admin.xadd(name, `${Date.now() - 61_000}-${index}`, 'm', message);
    await old.channel.publish(digestOf('new'));
    expect(await admin.xlen(name)).toBeLessThan(200);
    const late = await open({ memorySeconds: 60 });
    await late.listening();
    expect(late.heard).toContain(digestOf('new'));
    const later = await open({ memorySeconds: 60, now: () => Date.now() / 1000 + 50 });
    await later.listening();
    expect(later.heard).toEqual([]);
  });

  it('is heard within some seconds although only the record has it', async () => {
    const { openAll, admin } = await setUp();
    const [party] = (await openAll(1)) as [Party];
    await admin.xadd(name, '*', 'm', await sealed('lost'));
    await eventually('it was read', () => party.heard.includes(digestOf('lost')));
    expect(party.gaps).toBe(0);
  });

  it('is not heard by those with another pepper or another prefix', async () => {
    const { open, openAll } = await setUp();
    const [one] = (await openAll(1)) as [Party];
    const strangers = await Promise.all([
      open({ pepper: makePepper(pepper.id) }),
      open({ pepper: { ...pepper, id: 'p2' } }),
      open({ keyPrefix: 'other:' }),
    ]);
    await Promise.all(strangers.map((stranger) => stranger.listening()));
    for (const party of [one, ...strangers]) {
      await party.channel.publish(digestOf('a'));
      await drain(party, [party]);
      expect(without(party.heard)).toEqual([digestOf('a')]);
    }
    await drain(one, [one]);
    expect(without(one.heard)).toEqual([digestOf('a')]);
  });

  it('is heard without a pepper by those who have none, and by nobody else', async () => {
    const { open } = await setUp();
    const [one, other, peppered] = await Promise.all([
      open({ pepper: undefined as never }),
      open({ pepper: undefined as never }),
      open(),
    ]);
    await Promise.all([one, other, peppered].map((party) => party.listening()));
    await one.channel.publish(digestOf('a'));
    await drain(one, [one, other]);
    await drain(peppered, [peppered]);
    expect(without(other.heard)).toEqual([digestOf('a')]);
    expect(without(peppered.heard)).toEqual([]);
  });

  it('is heard across every step of a change of peppers', async () => {
    const { open } = await setUp();
    const next = makePepper('p2');
    const steps = [pepper, [pepper, next], [next, pepper], next] as const;
    for (const [index, own] of steps.slice(0, -1).entries()) {
      const [before, after] = await Promise.all([
        open({ pepper: own }),
        open({ pepper: steps[index + 1] as typeof own }),
      ]);
      await Promise.all([before.listening(), after.listening()]);
      await before.channel.publish(digestOf(`before-${index}`));
      await after.channel.publish(digestOf(`after-${index}`));
      for (const party of [before, after]) {
        await eventually('both hear both', () =>
          [`before-${index}`, `after-${index}`].every((said) => party.heard.includes(digestOf(said))),
        );
      }
    }
  });

  it('with two peppers is heard by those who have one of them, now and later, and once by who has both', async () => {
    const { open } = await setUp();
    const next = makePepper('p2');
    const both = [next, pepper] as const;
    const parties = await Promise.all([pepper, next, both, both].map((own) => open({ pepper: own })));
    await Promise.all(parties.map((party) => party.listening()));
    const speaker = parties[3] as Party;
    await speaker.channel.publish(digestOf('said'));
    const late = await Promise.all([pepper, next, both].map((own) => open({ pepper: own })));
    await Promise.all(late.map((party) => party.listening()));
    await drain(speaker, [...parties, ...late]);
    for (const { heard } of [...parties, ...late]) expect(without(heard)).toEqual([digestOf('said')]);
  });

  it('is heard where the connection puts a prefix of its own before keys', async () => {
    const { server, admin } = await setUp();
    const channels = [0, 1].map(() => {
      const redis = new Redis(server.port, '127.0.0.1', { keyPrefix: 'app:' });
      onTestFinished(() => redis.disconnect());
      return redisRevocations(redis, patient);
    });
    const heard: string[] = [];
    const [one, other] = channels as [RedisRevocations, RedisRevocations];
    onTestFinished(() => other.close());
    other.subscribe(
      (digest) => heard.push(digest),
      () => {},
    );
    await eventually('it listens', async () => (await subscribersOf(admin, `app:${name}`)) === 1);
    await one.publish(digestOf('a'));
    await eventually('it hears', () => heard.includes(digestOf('a')));
    expect(await admin.keys('*')).toEqual([`app:${name}`]);
  });
});

const sealed = (what: string, at = Date.now() / 1000) =>
  createRevocationMessages({
    pepper: readPeppers(pepper)[0],
    channel: name,
    memorySeconds: 3600,
  }).seal(digestOf(what), at);

async function subscribersOf(admin: Redis, channel: string): Promise<number> {
  const [, count] = (await admin.pubsub('NUMSUB', channel)) as [string, number];
  return count;
}

describe('what others put on the channel', () => {
  it('is ignored, a hundred thousand times, and hides nothing', async () => {
    // so that Redis waits for a busy machine instead of closing its subscriptions
    const { openAll, admin } = await setUp({ config: ['client-output-buffer-limit pubsub 0 0 0'] });
    const [one, other] = (await openAll(2)) as [Party, Party];
    const real = await sealed('real');
    const forged = (index: number) => {
      const message = Buffer.from(real);
      message.writeUInt32BE(index, 9);
      return message;
    };
    const old = await sealed('old', Date.now() / 1000 - 3700);
    const kinds: ((index: number) => string | Buffer)[] = [
      forged,
      () => old,
      () => '',
      () => digestOf('in-clear'),
      (index) => randomBytes(index % 200),
      () => Buffer.alloc(10_000, real),
    ];
    for (let batch = 0; batch < 100; batch++) {
      const pipeline = admin.pipeline();
      for (let index = 0; index < 1_000; index++)
        pipeline.publish(name, kinds[index % kinds.length]?.(batch * 1_000 + index) ?? '');
      await pipeline.exec();
    }
    await one.channel.publish(digestOf('a'));
    await drain(one, [one, other]);
    for (const { heard, gaps } of [one, other]) {
      expect(without(heard)).toEqual([digestOf('a')]);
      expect(gaps).toBe(0);
    }
  });

  it('is heard once when it is a message said before', async () => {
    const { openAll, admin } = await setUp();
    const [one, other] = (await openAll(2)) as [Party, Party];
    const message = await sealed('again');
    for (let index = 0; index < 1_000; index++) await admin.publish(name, message);
    await drain(one, [one, other]);
    expect(without(other.heard)).toEqual([digestOf('again')]);
  });

  it('is nothing when it comes on another channel', async () => {
    const { server, admin } = await setUp();
    const subscriber = new Redis(server.port, '127.0.0.1');
    onTestFinished(() => subscriber.disconnect());
    await subscriber.subscribe('another');
    const party = await forTest(Promise.resolve(openParty(server.address, { subscriber })));
    await party.listening();
    await admin.publish('another', await sealed('a'));
    await drain(party, [party]);
    expect(without(party.heard)).toEqual([]);
  });
});

describe('what others put into the record', () => {
  it('is not fetched unless it has the length of a message, and hides nothing', async () => {
    const { open, openAll, admin } = await setUp();
    const [one] = (await openAll(1)) as [Party];
    await one.channel.publish(digestOf('a'));
    for (let index = 0; index < 40; index++) {
      await admin.xadd(name, '*', 'm', Buffer.alloc(100_000));
      await admin.xadd(name, '*', 'x', '', 'y', '');
      await admin.xadd(name, '*', 'm', Buffer.alloc(messageBytes, index));
    }
    await one.channel.publish(digestOf('b'));
    const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await admin.info('stats'))?.[1]);
    const before = await sent();
    const late = await open();
    await late.listening();
    expect(late.heard).toEqual([digestOf('a'), digestOf('b')]);
    expect((await sent()) - before).toBeLessThan(200_000);
  });

  it.each(['a string', 'a list'])('is replaced with the next message where it is %s', async (kind) => {
    const { open, openAll, admin } = await setUp();
    const [one] = (await openAll(1)) as [Party];
    await (kind === 'a string' ? admin.set(name, 'x') : admin.rpush(name, 'x'));
    await one.channel.publish(digestOf('a'));
    const late = await open();
    await late.listening();
    expect(late.heard).toEqual([digestOf('a')]);
  });
});

describe('who was cut off', () => {
  it('is told of a gap and hears what was said meanwhile', async () => {
    const { openAll, admin } = await setUp();
    const parties = (await openAll(8)) as [Party, Party];
    const [one] = parties;
    await one.channel.publish(digestOf('before'));
    await drain(one, parties);
    expect(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(8);
    await one.channel.publish(digestOf('meanwhile'));
    await eventually('all are told of a gap', () => parties.every(({ gaps }) => gaps === 1));
    await Promise.all(parties.map((party) => party.listening()));
    await drain(one, parties);
    for (const { heard, gaps, states } of parties) {
      expect(without(heard)).toEqual([digestOf('before'), digestOf('meanwhile')]);
      expect(gaps).toBe(1);
      expect(states).toEqual([
        { isUp: true },
        { isUp: false, code: 'ERR_CACHE_UNAVAILABLE' },
        { isUp: true },
      ]);
    }
  });

  it('notices it although nothing closes the connection', async () => {
    const { server, openAll } = await setUp();
    const link = await forTest(openLink(server.port));
    const [one] = (await openAll(1)) as [Party];
    const away = await forTest(Promise.resolve(openParty({ url: `redis://127.0.0.1:${link.port}` })));
    await away.listening();
    link.silence(true);
    await away.cutOff();
    expect(away.states.at(-1)).toEqual({ isUp: false, code: 'ERR_CACHE_TIMEOUT' });
    expect(away.gaps).toBe(0);
    await one.channel.publish(digestOf('meanwhile'));
    link.silence(false);
    await away.listening();
    expect(away.gaps).toBe(1);
    await eventually('it hears', () => away.heard.includes(digestOf('meanwhile')));
  });

  it('notices that the server stands still', async () => {
    const { server, openAll } = await setUp();
    const parties = (await openAll(2)) as [Party, Party];
    server.pause();
    await Promise.all(parties.map((party) => party.cutOff()));
    server.resume();
    await Promise.all(parties.map((party) => party.listening()));
    await drain(parties[0], parties);
    for (const { gaps } of parties) expect(gaps).toBe(1);
  });

  it('listens again after the server was restarted empty', async () => {
    const { server, openAll } = await setUp();
    const parties = (await openAll(2)) as [Party, Party];
    await server.kill();
    await Promise.all(parties.map((party) => party.cutOff()));
    await server.restart();
    await Promise.all(parties.map((party) => party.listening()));
    await drain(parties[0], parties);
    for (const { gaps } of parties) expect(gaps).toBe(1);
  });

  it('is told of a gap when the server was not there at first', async () => {
    const port = await freePort();
    const party = await forTest(Promise.resolve(openParty({ url: `redis://127.0.0.1:${port}` })));
    await party.cutOff();
    expect(party.gaps).toBe(0);
    await forTest(startStandalone({ port }));
    await party.listening();
    expect(party.gaps).toBe(1);
    await drain(party, [party]);
  });
});

describe('publishing', () => {
  it('fails where Redis is not there, and still reaches those of this process', async () => {
    const party = await forTest(Promise.resolve(openParty({ url: `redis://127.0.0.1:${await freePort()}` })));
    await expect(party.channel.publish(digestOf('a'))).rejects.toMatchObject({
      name: 'CacheError',
      code: 'ERR_CACHE_UNAVAILABLE',
    });
    expect(party.heard).toEqual([digestOf('a')]);
  });

  it('fails where Redis cannot keep it for others, and is heard by those who are there', async () => {
    const { openAll, admin } = await setUp();
    const [one, other] = (await openAll(2)) as [Party, Party];
    await admin.config('SET', 'maxmemory', '1');
    await expect(one.channel.publish(digestOf('a'))).rejects.toMatchObject({ code: 'OOM' });
    await eventually('it is heard', () => other.heard.includes(digestOf('a')));
    await admin.config('SET', 'maxmemory', '0');
    await one.channel.publish(digestOf('b'));
  });

  it('fails on a replica', async () => {
    const { server } = await setUp();
    const replica = await forTest(startStandalone({ config: [`replicaof 127.0.0.1 ${server.port}`] }));
    const party = await forTest(Promise.resolve(openParty(replica.address)));
    await party.listening();
    await expect(party.channel.publish(digestOf('a'))).rejects.toMatchObject({ code: 'READONLY' });
  });

  it.each([
    // it cannot read what it may have missed before it listened
    ['the key', 'on >app-password resetkeys ~other:* &pt:* +@all', 'NOPERM', 1],
    // of what a script is refused, Redis 7 says no more
    [
      'the channel',
      'on >app-password ~pt:* resetchannels &other:* +@all',
      expect.stringMatching(/^(?:NOPERM|ERR)$/),
      0,
    ],
  ])('fails for a user who has no right to %s, and says so', async (_what, rights, code, gaps) => {
    const { server } = await setUp({ users: [`app ${rights}`] });
    const party = await forTest(
      Promise.resolve(openParty({ ...server.address, username: 'app', password: 'app-password' })),
    );
    await eventually('it says so', () =>
      party.states.some((state) => !state.isUp && state.code === 'NOPERM'),
    );
    await expect(party.channel.publish(digestOf('a'))).rejects.toMatchObject({ name: 'CacheError', code });
    expect(JSON.stringify(party.states)).not.toContain('app-password');
    expect(party.gaps).toBe(gaps);
  });

  it('needs no more than these rights', async () => {
    const rights = 'on >app-password ~pt:* resetchannels &pt:* -@all +@connection +info +eval';
    const commands = '+xadd +xrange +publish +subscribe +unsubscribe +expire +time +del';
    const { server } = await setUp({ users: [`app ${rights} ${commands}`] });
    const party = await forTest(
      Promise.resolve(openParty({ ...server.address, username: 'app', password: 'app-password' })),
    );
    await party.listening();
    await drain(party, [party]);
  });

  it('leaves a Redis alone that did not answer', async () => {
    const { server, openAll } = await setUp();
    const [party] = (await openAll(1)) as [Party];
    const channel = redisRevocations(party.redis, { pepper, commandTimeoutSeconds: 0.05 });
    server.pause();
    await expect(channel.publish(digestOf('a'))).rejects.toMatchObject({ code: 'ERR_CACHE_TIMEOUT' });
    await expect(channel.publish(digestOf('a'))).rejects.toMatchObject({ code: 'ERR_CACHE_OPEN' });
    server.resume();
  });

  it.each([undefined, '', 'a'.repeat(42), `${'a'.repeat(42)}\n`, 7])('of %j is a mistake', async (value) => {
    const channel = redisRevocations(openRedis(), { pepper });
    await expect(channel.publish(value as string)).rejects.toThrow('digest must be 43 characters');
  });
});

/** A connection to nowhere. */
function openRedis(): Redis {
  const redis = new Redis({ lazyConnect: true });
  onTestFinished(() => redis.disconnect());
  return redis;
}

describe('the connection', () => {
  const connectionsOf = async (admin: Redis) =>
    ((await admin.client('LIST')) as string).split('\n').filter((line) => line !== '').length;

  it('that is used for listening is opened with the first listener, and ends with the last', async () => {
    const { server, admin } = await setUp();
    const redis = new Redis(server.port, '127.0.0.1');
    onTestFinished(() => redis.disconnect());
    await redis.ping();
    const before = await connectionsOf(admin);
    const channel = redisRevocations(redis, patient);
    const listeners = redis.listenerCount('ready');
    await channel.publish(digestOf('a'));
    expect(await connectionsOf(admin)).toBe(before);
    const leave = [0, 1].map(() =>
      channel.subscribe(
        () => {},
        () => {},
      ),
    );
    await eventually('it listens', async () => (await subscribersOf(admin, name)) === 1);
    expect(await connectionsOf(admin)).toBe(before + 1);
    leave[0]?.();
    await redis.ping();
    expect(await subscribersOf(admin, name)).toBe(1);
    leave[1]?.();
    await eventually('it is closed', async () => (await connectionsOf(admin)) === before);
    // and again, with everything that was said
    const heard: string[] = [];
    channel.subscribe(
      (digest) => heard.push(digest),
      () => {},
    );
    await eventually('it hears', () => heard.includes(digestOf('a')));
    channel.close();
    await eventually('it is closed', async () => (await connectionsOf(admin)) === before);
    expect(await redis.ping()).toBe('PONG');
    expect(redis.listenerCount('ready')).toBe(listeners);
  });

  it('that is used for listening keeps nothing of the beats that it has lived through', async () => {
    const { open } = await setUp();
    const raced = vi.spyOn(Promise, 'race');
    onTestFinished(() => raced.mockRestore());
    const pinged = vi.spyOn(Redis.prototype, 'ping');
    onTestFinished(() => pinged.mockRestore());
    await (await open()).listening();
    await eventually('it has beaten', () => pinged.mock.calls.length >= 3);
    // each race leaves something behind on what takes part in it
    const racers = raced.mock.calls.flatMap(([promises]) => [...promises]);
    expect(racers).toHaveLength(new Set(racers).size);
  });

  it('that is closed while it is being made does not come to be', async () => {
    const { server, admin } = await setUp();
    const redis = new Redis(server.port, '127.0.0.1');
    onTestFinished(() => redis.disconnect());
    await redis.ping();
    const before = await connectionsOf(admin);
    const states: unknown[] = [];
    const channel = redisRevocations(redis, { ...patient, onStateChange: (state) => states.push(state) });
    for (let index = 0; index < 20; index++) {
      channel.subscribe(
        () => {},
        () => {},
      );
      if (index % 2 === 1) await redis.ping();
      channel.close();
    }
    await eventually('none is left', async () => (await connectionsOf(admin)) === before);
    expect(states).toEqual([]);
  });

  it('that was given is subscribed and never closed', async () => {
    const { server, admin } = await setUp();
    const { redis: subscriber } = openOwn(server);
    const party = await forTest(Promise.resolve(openParty(server.address, { subscriber })));
    await party.listening();
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually('it is told of a gap', () => party.gaps === 1);
    await party.listening();
    await drain(party, [party]);
    party.channel.close();
    await eventually('it listens no more', async () => (await subscribersOf(admin, name)) === 0);
    expect(await subscriber.ping()).toBeTruthy();
    expect(subscriber.listenerCount('messageBuffer')).toBe(0);
  });

  it('that was given is looked for anew when it does not answer, and gathers no listeners', async () => {
    const { server, openAll } = await setUp();
    const [one] = (await openAll(1)) as [Party];
    const link = await forTest(openLink(server.port));
    const { redis: subscriber } = openOwn(link);
    const party = await forTest(Promise.resolve(openParty(server.address, { subscriber })));
    await party.listening();
    const count = () =>
      ['ready', 'close', 'error', 'messageBuffer'].map((it) => subscriber.listenerCount(it));
    const before = count();
    for (let round = 0; round < 2; round++) {
      link.silence(true);
      await party.cutOff();
      link.silence(false);
      await party.listening();
    }
    expect(party.gaps).toBe(2);
    await eventually('as many listen', () => isDeepStrictEqual(count(), before));
    await drain(one, [party]);
  });
});

function openOwn({ port }: { readonly port: number }): { redis: Redis } {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return { redis };
}

describe('what Redis is told', () => {
  it('holds no digest, in the record, in what is published, or in its logs', async () => {
    const { server, admin, open } = await setUp({
      config: ['rdbcompression no', 'slowlog-log-slower-than 0'],
    });
    const secret = { id: 'p1', secret: 'CANARYpepper-0f6a1c9d-2b7e-4c53-9a41' };
    const monitor = await forTest(startMonitor(server));
    const published: Buffer[] = [];
    const { redis: spy } = openOwn(server);
    await spy.psubscribe('*');
    spy.on('pmessageBuffer', (_pattern: string, channel: Buffer, message: Buffer) =>
      published.push(channel, message),
    );
    const parties = await Promise.all([open({ pepper: secret }), open({ pepper: secret })]);
    await Promise.all(parties.map((party) => party.listening()));
    const digests = Array.from({ length: 50 }, (_, index) => digestOf(`CANARYdigest${index}`));
    for (const digest of digests) await parties[0].channel.publish(digest);
    await eventually('all is heard', () => parties[1].heard.length === 50 && published.length === 100);
    await open({ pepper: secret }).then((late) => late.listening());
    await admin.save();
    const dump = Buffer.concat([
      await readFile(join(server.data, 'dump.rdb')),
      Buffer.from(JSON.stringify(await admin.slowlog('GET', -1))),
      ...published,
      await monitor.captured(),
    ]);
    expect(dump.includes(name)).toBe(true);
    expect(leaksIn(dump, { pepper: secret.secret, digest: 'CANARYdigest' })).toEqual([]);
    const raw = digests.map((digest) => Buffer.from(digest, 'base64url'));
    expect(raw.filter((bytes) => dump.includes(bytes))).toEqual([]);
  });
});

describe('an option', () => {
  const redis = () => openRedis();
  it.each<[string, object, string]>([
    ['nothing', null as never, 'options must be an object'],
    ['a pepper that is none', { pepper: 'secret' }, 'pepper must be'],
    ['a pepper that is too short', { pepper: { id: 'p1', secret: 'short' } }, 'pepper.secret'],
    ['an unknown option', { pepper, ttl: 1 }, 'unknown option "ttl"'],
    ['a keyPrefix that is no text', { pepper, keyPrefix: 7 }, 'keyPrefix'],
    ['a memorySeconds of 0', { pepper, memorySeconds: 0 }, 'memorySeconds'],
    [
      'a commandTimeoutSeconds that is no number',
      { pepper, commandTimeoutSeconds: '1' },
      'commandTimeoutSeconds',
    ],
    ['an onStateChange that is no function', { pepper, onStateChange: 7 }, 'onStateChange'],
    ['a now that is no function', { pepper, now: 7 }, 'now'],
    ['a subscriber that is no connection', { pepper, subscriber: {} }, 'subscriber'],
  ])('that is %s is named', (_title, options, message) => {
    expect(() => redisRevocations(redis(), options as never)).toThrow(TypeError);
    expect(() => redisRevocations(redis(), options as never)).toThrow(message);
  });

  it('that is the connection itself for a subscriber is named', () => {
    const connection = redis();
    expect(() => redisRevocations(connection, { pepper, subscriber: connection })).toThrow('subscriber');
  });

  it('that is no connection at all is named', () => {
    expect(() => redisRevocations({} as never, { pepper })).toThrow('redis must be a connection');
  });

  it('that tells of states may throw', async () => {
    const { open } = await setUp();
    const party = await open({
      onStateChange: () => {
        throw new Error('broken');
      },
    });
    await eventually('it listens', async () => {
      await party.channel.publish(digestOf('a'));
      return party.heard.length > 0;
    });
  });
});
