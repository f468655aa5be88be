import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { certificate, pem } from '../../core/test/certificates.js';
import { ownSeconds } from '../test/own-time.js';
import { bePatient } from '../test/patience.js';
import { freePort, startRedis } from '../test/redis-process.js';
import { eventually } from '../test/topologies/eventually.js';
import { openLink } from '../test/topologies/link.js';
import { forTest } from '../test/topologies/owned.js';
import { startReplicated } from '../test/topologies/replicated.js';
import { startStandalone } from '../test/topologies/standalone.js';
import { type ConnectRedisOptions, connectRedis } from './connect-redis.js';
import { breakerOf } from './redis-breaker.js';
import type { RedisState } from './redis-state.js';

const password = 'CANARYpassword';

/** A connection that ends with the test, and all that it said of itself. */
function openBounded(options: ConnectRedisOptions) {
  const states: RedisState[] = [];
  const redis = connectRedis({ onStateChange: (state) => states.push(state), ...options });
  onTestFinished(() => redis.disconnect());
  const ready = () => expect.poll(() => redis.status).toBe('ready');
  return { redis, states, ready };
}

/** The same for what is not about how long it waits. */
function open(options: ConnectRedisOptions) {
  const opened = openBounded(options);
  bePatient(opened.redis);
  return opened;
}

/** One that is never opened: what the driver was told. */
function told(options: ConnectRedisOptions) {
  const { redis } = openBounded(options);
  redis.disconnect();
  return redis.options as Record<string, unknown>;
}

describe('a connection to one server', () => {
  it('is made without waiting, and told of once', async () => {
    const server = await startRedis();
    const { redis, states, ready } = open({ url: `redis://127.0.0.1:${server.port}` });
    expect(states).toEqual([]);
    await ready();
    expect(redis).toBeInstanceOf(Redis);
    expect(await redis.ping()).toBe('PONG');
    expect(states).toEqual([{ isUp: true }]);
  });

  it.each<[string, (port: number) => ConnectRedisOptions]>([
    ['in the URL', (port) => ({ url: `redis://app:${encodeURIComponent('p@ss/word')}@127.0.0.1:${port}` })],
    [
      'in the options',
      (port) => ({ url: new URL(`redis://127.0.0.1:${port}`), username: 'app', password: 'p@ss/word' }),
    ],
  ])('uses the credentials %s', async (_where, options) => {
    const server = await forTest(startStandalone({ users: ['app on >p@ss/word ~* +@all'] }));
    const { redis, ready } = open(options(server.port));
    await ready();
    expect(await redis.call('ACL', 'WHOAMI')).toBe('app');
  });

  it('uses a password for the default user, and the database of the URL', async () => {
    const server = await forTest(startStandalone({ password }));
    const { redis, ready } = open({ url: `redis://:${password}@127.0.0.1:${server.port}/3` });
    await ready();
    await redis.set('k', 'v');
    expect(await redis.info('keyspace')).toContain('db3:');
  });

  it('speaks TLS, checks the server’s certificate, and shows its own', async () => {
    const server = await forTest(startStandalone({ tls: 'mutual' }));
    const url = `rediss://127.0.0.1:${server.port}`;
    const ca = pem('ca.pem');
    const trusting = open({ url, tls: { ca, ...certificate('client') } });
    const byOption = open({
      url: url.replace('rediss', 'redis'),
      tls: { ca: [ca], ...certificate('client') },
    });
    const suspicious = open({ url, tls: certificate('client') });
    const anonymous = open({ url, tls: { ca } });
    await trusting.ready();
    await byOption.ready();
    await expect
      .poll(() => suspicious.states)
      .toEqual([{ isUp: false, code: expect.stringMatching(/CERT|SIGNATURE/) }]);
    expect(suspicious.redis.status).not.toBe('ready');
    await expect.poll(() => anonymous.states).not.toEqual([]);
    expect(anonymous.states[0]?.isUp).toBe(false);
  });

  it('comes back when the server does, and tells of every change once', async () => {
    const port = await freePort();
    const { redis, states, ready } = open({ url: `redis://127.0.0.1:${port}` });
    await expect.poll(() => states).toEqual([{ isUp: false, code: 'ECONNREFUSED' }]);
    const first = await startRedis({ port });
    await ready();
    // all that it sent by itself is answered: what is not would break the connection off in another way
    await redis.ping();
    await first.kill();
    await expect.poll(() => states).toHaveLength(3);
    await startRedis({ port });
    await ready();
    expect(states).toEqual([
      { isUp: false, code: 'ECONNREFUSED' },
      { isUp: true },
      { isUp: false, code: expect.any(String) },
      { isUp: true },
    ]);
    expect(await redis.ping()).toBe('PONG');
  });

  it('queues nothing while the server is away', async () => {
    const { redis } = open({ url: `redis://127.0.0.1:${await freePort()}` });
    await expect(redis.get('k')).rejects.toThrow();
  });

  it('gives a server up that says nothing, and looks for it anew', async () => {
    const server = await startRedis();
    const link = await forTest(openLink(server.port));
    const { redis, states, ready } = openBounded({ url: `redis://127.0.0.1:${link.port}` });
    await ready();
    link.silence(true);
    const getting = redis.get('k');
    expect(await ownSeconds(() => getting)).toBeLessThan(1.1);
    await expect(getting).rejects.toThrow('timed out');
    await expect.poll(() => redis.status).not.toBe('ready');
    link.silence(false);
    await ready();
    // that it is down may be told for several reasons
    const changes = states.map(({ isUp }) => isUp).filter((isUp, index, all) => isUp !== all[index - 1]);
    expect(changes).toEqual([true, false, true]);
    expect(link.connections).toBeGreaterThan(1);
  });

  it('is told to be of no use while its breaker is open', async () => {
    const server = await startRedis();
    const { redis, states, ready } = open({ url: `redis://127.0.0.1:${server.port}` });
    await ready();
    server.pause();
    const get = () => breakerOf(redis).run('k', 0.05, () => redis.get('k'));
    await get().catch(() => {});
    expect(states.at(-1)).toEqual({ isUp: false, code: 'ERR_CACHE_TIMEOUT' });
    server.resume();
    await expect.poll(() => get().catch(({ code }) => code)).toBeNull();
    expect(states.at(-1)).toEqual({ isUp: true });
  });

  it('stays of no use when what its breaker waited for ends with the connection', async () => {
    const server = await startRedis();
    const link = await forTest(openLink(server.port));
    const { redis, states, ready } = open({ url: `redis://127.0.0.1:${link.port}` });
    await ready();
    link.silence(true);
    const get = () => breakerOf(redis).run('k', 0.5, () => redis.get('k'));
    await get().catch(() => {});
    await link.end();
    await expect.poll(() => redis.status).not.toBe('ready');
    await expect.poll(() => states.length).toBeGreaterThan(2);
    expect(states.slice(1).some(({ isUp }) => isUp)).toBe(false);
  });

  it('looks for the primary anew when its server has become a replica, once a second at most', async () => {
    const { replicas } = await forTest(startReplicated());
    const link = await forTest(openLink(replicas[0]?.port ?? 0));
    const { redis, ready } = open({ url: `redis://127.0.0.1:${link.port}` });
    await ready();
    expect(await redis.get('k')).toBeNull();
    expect(link.connections).toBe(1);
    const renewed = (connections: number) =>
      eventually('it is another', () => link.connections === connections && redis.status === 'ready');
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    await expect(redis.set('k', 'v')).rejects.toThrow(/READONLY/);
    await renewed(2);
    vi.advanceTimersByTime(999);
    await expect(redis.set('k', 'v')).rejects.toThrow(/READONLY/);
    expect(await redis.get('k')).toBeNull();
    expect(link.connections).toBe(2);
    vi.advanceTimersByTime(1);
    await expect(redis.set('k', 'v')).rejects.toThrow(/READONLY/);
    await renewed(3);
  });

  it('keeps its password to itself', async () => {
    const server = await forTest(startStandalone({ password: 'another' }));
    const { redis, states } = open({
      url: `redis://127.0.0.1:${server.port}`,
      username: 'default',
      password,
    });
    const errors: unknown[] = [];
    redis.on('error', (error) => errors.push(error));
    await expect.poll(() => states).toEqual([{ isUp: false, code: 'WRONGPASS' }]);
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    for (const shown of [errors, redis, redis.options, { redis }, states]) {
      expect(inspect(shown, { depth: 9, showHidden: true })).not.toContain(password);
      expect(JSON.stringify(shown)).not.toContain(password);
    }
    expect(inspect(redis)).toContain('status');
  });

  it('is told to be of no use for another reason, once too', async () => {
    const port = await freePort();
    const { redis, states } = open({ url: `redis://127.0.0.1:${port}`, password });
    await expect.poll(() => states).toEqual([{ isUp: false, code: 'ECONNREFUSED' }]);
    const server = await forTest(startStandalone({ port, password: 'another' }));
    await expect.poll(() => states.at(-1)).toEqual({ isUp: false, code: 'WRONGPASS' });
    const refused: unknown[] = [];
    redis.on('error', ({ code }) => code === 'ECONNREFUSED' && refused.push(code));
    await server.kill();
    await expect.poll(() => refused.length).toBeGreaterThan(1);
    // what was broken off in the middle may be a third
    const codes = states.map((state) => (state.isUp ? 'up' : state.code));
    expect(codes).toEqual([...new Set(codes)]);
    expect(codes).not.toContain('up');
  });

  it('is no worse for a hook that fails, nor without one', async () => {
    const server = await startRedis();
    const url = `redis://127.0.0.1:${server.port}`;
    const failing = open({
      url,
      onStateChange() {
        throw new Error('the hook is broken');
      },
    });
    await failing.ready();
    const { redis } = open({ url: `redis://127.0.0.1:${await freePort()}` });
    expect(redis.listenerCount('error')).toBeGreaterThan(0);
  });
});

describe('a connection to a cluster', () => {
  it('keeps its password to itself, and says what is wrong', async () => {
    const server = await forTest(startStandalone({ password: 'another', config: ['cluster-enabled yes'] }));
    const { redis, states } = open({ cluster: [{ host: '127.0.0.1', port: server.port }], password });
    const errors: unknown[] = [];
    for (const event of ['error', 'node error'])
      (redis as Cluster).on(event as 'error', (error) => errors.push(error));
    await expect.poll(() => states).toEqual([{ isUp: false, code: 'WRONGPASS' }]);
    await expect.poll(() => errors.length).toBeGreaterThan(2);
    expect(inspect([errors, redis], { depth: 9, showHidden: true })).not.toContain(password);
  });
});

describe('what the driver is told', () => {
  it('bounds everything', () => {
    expect(told({ url: 'redis://127.0.0.1:1' })).toMatchObject({
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: 1000,
      connectTimeout: 2000,
      socketTimeout: 3000,
    });
  });

  it('has it try again for ever, a second at most after the last time', () => {
    type Strategy = (attempt: number) => number;
    const strategies = [
      told({ url: 'redis://127.0.0.1:1' }).retryStrategy,
      told({ sentinels: ['redis://127.0.0.1:1'], name: 'n' }).retryStrategy,
      told({ sentinels: ['redis://127.0.0.1:1'], name: 'n' }).sentinelRetryStrategy,
      told({ cluster: ['redis://127.0.0.1:1'] }).clusterRetryStrategy,
    ] as readonly Strategy[];
    for (const retryStrategy of strategies)
      for (const attempt of [1, 2, 10, 1000, 1_000_000]) {
        const delays = Array.from({ length: 50 }, () => retryStrategy(attempt));
        expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(50);
        expect(new Set(delays).size).toBeGreaterThan(1);
      }
  });

  it.each<[string, object]>([
    ['redis://h', { host: 'h', port: 6379, db: 0 }],
    ['redis://h:7/', { host: 'h', port: 7, db: 0 }],
    ['redis://[::1]:7/12', { host: '::1', port: 7, db: 12 }],
    ['redis://u:p%20w@h', { username: 'u', password: 'p w' }],
    ['redis://:p@h', { username: null, password: 'p' }],
    ['rediss://h', { tls: {} }],
  ])('of %s', (url, expected) => {
    expect(told({ url })).toMatchObject(expected);
  });

  it('of Sentinels is the name, their addresses and credentials, and the servers’', () => {
    const options = told({
      sentinels: ['redis://a:1', { host: 'b' }].slice(1),
      name: 'tokens',
      username: 'u',
      password: 'p',
      sentinelUsername: 'su',
      sentinelPassword: 'sp',
      db: 2,
    });
    expect(options).toMatchObject({
      sentinels: [{ host: 'b', port: 26_379 }],
      name: 'tokens',
      username: 'u',
      password: 'p',
      sentinelUsername: 'su',
      sentinelPassword: 'sp',
      sentinelCommandTimeout: 1000,
      enableOfflineQueue: false,
      db: 2,
      enableTLSForSentinelMode: false,
    });
  });

  it.each([
    [
      'rediss: is both',
      ['rediss://a'],
      undefined,
      { enableTLSForSentinelMode: true, tls: {}, sentinelTLS: {} },
    ],
    [
      'a host is what tls says',
      [{ host: 'a' }],
      true,
      { enableTLSForSentinelMode: true, tls: {}, sentinelTLS: {} },
    ],
  ])('of TLS with Sentinels: %s', (_what, sentinels, tls, expected) => {
    const options = tls === undefined ? { sentinels, name: 'n' } : { sentinels, name: 'n', tls };
    expect(told(options)).toMatchObject(expected);
  });

  it('of TLS with Sentinels: redis: is the Sentinels, which may do without', () => {
    const options = told({ sentinels: ['redis://a'], name: 'n', tls: true });
    expect(options).toMatchObject({ enableTLSForSentinelMode: true, tls: {} });
    expect(options).not.toHaveProperty('sentinelTLS');
  });

  it('of a cluster is where it begins, and what every connection in it has', () => {
    const { redis } = open({ cluster: ['rediss://a:1', 'rediss://b'], username: 'u', password: 'p' });
    expect(redis).toBeInstanceOf(Cluster);
    expect((redis as unknown as { startupNodes: unknown }).startupNodes).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 6379 },
    ]);
    expect(redis.options).toMatchObject({
      enableOfflineQueue: false,
      slotsRefreshInterval: 5000,
      redisOptions: { username: 'u', password: 'p', tls: {}, commandTimeout: 1000, socketTimeout: 3000 },
    });
    const { dnsLookup } = redis.options as {
      dnsLookup: (name: string, done: (...its: unknown[]) => void) => void;
    };
    const looked: unknown[] = [];
    dnsLookup('a.example', (...its) => looked.push(its));
    expect(looked).toEqual([[null, 'a.example']]);
    expect(inspect(redis, { depth: 9 })).not.toContain('startupNodes');
  });

  it('of a cluster shows no password, nor does any connection in it', () => {
    const { redis } = open({ cluster: ['redis://a:1'], username: 'u', password });
    const { options } = redis as Cluster;
    const node = new Redis({ ...(options.redisOptions as object), lazyConnect: true });
    redis.emit('+node', node);
    expect(node.options.password).toBe(password);
    for (const shown of [redis, options, options.redisOptions, node, node.options]) {
      expect(inspect(shown, { depth: 9, showHidden: true })).not.toContain(password);
      expect(JSON.stringify(shown)).not.toContain(password);
    }
  });
});

describe('the options', () => {
  const url = 'redis://127.0.0.1:1';

  it.each<[string, object | undefined, RegExp]>([
    ['nothing', undefined, /one of url, sentinels with name, and cluster/],
    ['nothing that leads anywhere', {}, /one of url, sentinels with name, and cluster/],
    ['two ways', { url, cluster: [url] }, /one of url/],
    ['an unknown one', { url, host: 'h' }, /unknown option "host"/],
    ['one of another way', { url, name: 'n' }, /unknown option "name"/],
    ['another scheme', { url: `http://u:${password}@h` }, /url must be a redis: or rediss: URL/],
    ['no URL', { url: `redis://u:${password}@:x` }, /url must be/],
    ['no host', { url: 'redis:///3' }, /url must/],
    ['a number', { url: 7 }, /url must be/],
    ['a query', { url: `${url}?password=${password}` }, /neither a query nor a fragment/],
    ['a fragment', { url: `${url}#x` }, /neither a query nor a fragment/],
    ['a path that is no database', { url: `${url}/tokens` }, /number of a database/],
    ['credentials that are not encoded', { url: `redis://u:%ZZ${password}@h` }, /percent-encoded/],
    ['credentials twice', { url: `redis://u:${password}@h`, password }, /not in both/],
    ['a user without password', { url, username: 'u' }, /username needs a password/],
    ['an empty password', { url, password: '' }, /password must be a string that is not empty/],
    ['an empty user', { url, username: '', password }, /username must be a string/],
    ['a number for a password', { url, password: 7 }, /password must be a string/],
    ['a hook that is none', { url, onStateChange: 'log' }, /onStateChange must be a function/],
    ['TLS that is off and on', { url: 'rediss://h', tls: false }, /tls must not be false/],
    ['TLS that is no object', { url, tls: 'yes' }, /tls: options must be an object/],
    ['an unknown member of TLS', { url, tls: { rejectUnauthorized: false } }, /tls: unknown option/],
    ['half a client certificate', { url, tls: { cert: 'c' } }, /tls\.cert and tls\.key/],
    ['the other half', { url, tls: { key: 'k' } }, /tls\.cert and tls\.key/],
    ['no Sentinels', { sentinels: [], name: 'n' }, /sentinels must be a list/],
    ['Sentinels without a name', { sentinels: [url] }, /name must be a string/],
    ['a database that is none', { sentinels: [url], name: 'n', db: -1 }, /db must be a whole number/],
    ['an empty Sentinel password', { sentinels: [url], name: 'n', sentinelPassword: '' }, /sentinelPassword/],
    ['an empty Sentinel user', { sentinels: [url], name: 'n', sentinelUsername: '' }, /sentinelUsername/],
    ['no servers', { cluster: [] }, /cluster must be a list/],
    ['no list', { cluster: url }, /cluster must be a list/],
    ['a server that is none', { cluster: [7] }, /a server must be a redis: or rediss: URL, or/],
    ['nothing for a server', { cluster: [undefined] }, /a server must be a redis: or rediss: URL, or/],
    ['a server without a host', { cluster: [{ port: 1 }] }, /a server must be/],
    ['a server with an odd port', { cluster: [{ host: 'h', port: 65_536 }] }, /port from 1 to 65535/],
    ['a server with no port', { cluster: [{ host: 'h', port: 0 }] }, /port from 1 to 65535/],
    ['credentials for one server', { cluster: [`redis://u:${password}@h`] }, /must not contain credentials/],
    ['a database of a cluster', { cluster: ['redis://h/1'] }, /must not name a database/],
    ['TLS for some', { cluster: ['redis://h', 'rediss://h'] }, /must all be/],
    ['the database of a cluster', { cluster: [url], db: 1 }, /unknown option "db"/],
  ])('refuse %s', (_what, options, message) => {
    const make = () => connectRedis(options as ConnectRedisOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(password);
  });
});
