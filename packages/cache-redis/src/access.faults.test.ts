import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { certificate } from '../../core/test/certificates.js';
import type { Address } from '../test/topologies/address.js';
import { openAdmin } from '../test/topologies/admin.js';
import { eventually } from '../test/topologies/eventually.js';
import { type Fleet, failuresOf } from '../test/topologies/fleet.js';
import { expectBoundedIntrospections, expectUnharmed, startLoad } from '../test/topologies/load.js';
import { forTest } from '../test/topologies/owned.js';
import { setStage } from '../test/topologies/stage.js';
import { startStandalone } from '../test/topologies/standalone.js';

vi.setConfig({ testTimeout: 300_000 });
afterEach(() => void vi.restoreAllMocks());

const password = 'CANARYpassword-77d1';
const adminPassword = 'admin-password';
const rights = '~pt:* +@read +@write +@connection +@scripting +info';

/** A server on which the instances have a user of their own. */
async function setUp() {
  const server = await forTest(
    startStandalone({ password: adminPassword, users: [`app on >${password} ${rights}`] }),
  );
  const { redis } = await forTest(openAdmin(server, { password: adminPassword }));
  const address: Address = { ...server.address, username: 'app', password };
  return { server, redis, address };
}

/** All that is printed during a test, and all that instances say of themselves. */
function listen() {
  const printed: unknown[] = [];
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((...args) => void printed.push(args));
  return (fleet: Fleet) =>
    inspect([printed, fleet.instances, fleet.instances.map((it) => it.connection.states)], {
      depth: 9,
      showHidden: true,
    });
}

/** When all instances were told of a failure of Redis by this name. */
const allHear = (fleet: Fleet, code: string) =>
  eventually('all are told', () => reasons(fleet).every((reason) => code in reason));

/** How often an instance said that Redis is of no use, by the reason. */
const reasons = ({ instances }: Fleet) =>
  instances.map(({ connection }) => {
    const codes = connection.states.map((state) => (state.isUp ? 'up' : state.code));
    return Object.fromEntries(codes.map((code) => [code, codes.filter((it) => it === code).length]));
  });

describe('eight instances go on without a fault of their own, say so once, and share again without a restart, when', () => {
  it('their user may read no more', async () => {
    const { redis, address } = await setUp();
    const { authority, fleet } = await setStage(address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await redis.call('ACL', 'SETUSER', 'app', '-@read');
    await load.more(400);
    await eventually('the instances notice', () => 'NOPERM' in failuresOf(fleet));
    await redis.call('ACL', 'SETUSER', 'app', '+@read');
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('their user may write no more', async () => {
    const { redis, address } = await setUp();
    const { authority, fleet } = await setStage(address);
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await redis.call('ACL', 'SETUSER', 'app', '-@write');
    await load.more(400);
    await eventually('the instances notice', () => 'NOPERM' in failuresOf(fleet));
    await redis.call('ACL', 'SETUSER', 'app', '+@write');
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });

  it('their user is no more', async () => {
    const heard = listen();
    const { redis, address } = await setUp();
    const { authority, fleet } = await setStage(address, { isPatient: true });
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    // closes their connections too
    await redis.call('ACL', 'DELUSER', 'app');
    await load.more(600);
    await allHear(fleet, 'WRONGPASS');
    for (const reason of reasons(fleet)) expect(reason).toMatchObject({ up: 1, WRONGPASS: 1 });
    await redis.call('ACL', 'SETUSER', 'app', 'on', `>${password}`, ...rights.split(' '));
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    expect(heard(fleet)).not.toContain(password);
  });

  it('their password is another', async () => {
    const heard = listen();
    const { redis, address } = await setUp();
    const { authority, fleet } = await setStage(address, { isPatient: true });
    await fleet.share();
    const load = startLoad(fleet, authority);
    await load.more(200);
    await redis.call('ACL', 'SETUSER', 'app', 'resetpass', '>another');
    await redis.client('KILL', 'USER', 'app');
    await load.more(600);
    await allHear(fleet, 'WRONGPASS');
    for (const reason of reasons(fleet)) expect(reason).toMatchObject({ up: 1, WRONGPASS: 1 });
    await redis.call('ACL', 'SETUSER', 'app', 'resetpass', `>${password}`);
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    expect(heard(fleet)).not.toContain(password);
  });

  it('a password is wanted of them that they do not have', async () => {
    const heard = listen();
    const { server, redis } = await setUp();
    const { authority, fleet } = await setStage(
      { url: (server.address as { url: string }).url },
      { isPatient: true },
    );
    const load = startLoad(fleet, authority);
    await load.more(400);
    await allHear(fleet, 'NOAUTH');
    for (const reason of reasons(fleet)) expect(reason).toEqual({ NOAUTH: 1 });
    await redis.config('SET', 'requirepass', '');
    await fleet.share();
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
    expect(heard(fleet)).not.toContain('CANARY');
  });
});

describe('over TLS, instances', () => {
  it('share', async () => {
    const server = await forTest(startStandalone({ tls: 'server', password }));
    const { fleet } = await setStage(server.address, { size: 2 });
    await fleet.share();
  });

  it('share with a server that wants certificates of them', async () => {
    const server = await forTest(startStandalone({ tls: 'mutual' }));
    const { tls } = server.address;
    const { fleet } = await setStage(
      { ...server.address, tls: { ca: tls?.ca ?? '', ...certificate('client') } },
      { size: 2 },
    );
    await fleet.share();
  });

  const wrong: readonly (readonly [string, 'server' | 'mutual', (address: Address) => Address])[] = [
    ['they do not trust', 'server', ({ tls: _, ...address }) => address],
    ['that wants a certificate which they do not have', 'mutual', (address) => address],
    [
      'that wants another certificate than theirs',
      'mutual',
      (address) => ({ ...address, tls: { ca: address.tls?.ca ?? '', ...certificate('expired') } }),
    ],
    [
      'whose certificate has another name',
      'server',
      (address) => ({ ...address, tls: { ca: address.tls?.ca ?? '', servername: 'elsewhere.test' } }),
    ],
    [
      'which they take for one without TLS',
      'server',
      (address) => ({ url: (address as { url: string }).url.replace('rediss', 'redis') }),
    ],
  ];

  it.each(wrong)('do without a server %s', async (_title, tls, change) => {
    const heard = listen();
    const server = await forTest(startStandalone({ tls, password }));
    const { authority, fleet } = await setStage(change(server.address), { size: 2 });
    const load = startLoad(fleet, authority);
    await load.more(200);
    await eventually('they know it', () => fleet.instances.every((it) => it.connection.states.length > 0));
    const report = await load.stop();
    expectUnharmed(report);
    expectBoundedIntrospections(fleet, authority);
    expect(report.sources).not.toHaveProperty('shared');
    for (const { connection } of fleet.instances)
      expect(connection.states).not.toContainEqual({ isUp: true });
    expect(heard(fleet)).not.toContain(password);
  });

  it('do without a server that speaks none', async () => {
    const server = await forTest(startStandalone());
    const { authority, fleet } = await setStage({ url: `rediss://127.0.0.1:${server.port}` }, { size: 2 });
    const load = startLoad(fleet, authority);
    await load.more(200);
    expectUnharmed(await load.stop());
    expectBoundedIntrospections(fleet, authority);
  });
});

describe('with a server that has never heard of HELLO, instances', () => {
  it('share', async () => {
    const server = await forTest(startStandalone({ config: ['rename-command HELLO ""'] }));
    const { fleet } = await setStage(server.address, { size: 2 });
    await fleet.share();
  });
});
