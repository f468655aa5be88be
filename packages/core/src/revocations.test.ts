import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type Answer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import type { CacheEntry, TokenCache } from './cache.js';
import { createPhantomTokenClient, type PhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import { localRevocations, type RevocationChannel } from './revocation-channel.js';
import { tieredCache } from './tiered-cache.js';

afterEach(() => vi.unstubAllGlobals());

const clock = createClock();
const jwtOf = (claims: object) => unsignedJwt({ exp: clock.now() + 3600, ...claims });
const somebody = { sub: 'CANARY-subject', sid: 'CANARY-session' };

/** A server that knows every token as its subject's, and instances that share a tier and a channel. */
async function setUp(answer: Answer = jwtAnswer(jwtOf(somebody))) {
  const server = await startServer(answer);
  const far = memoryCache();
  const shared: TokenCache = {
    get: async (key) => far.get(key),
    set: async (key, entry) => far.set(key, JSON.parse(JSON.stringify(entry))),
    delete: async (key) => far.delete(key),
  };
  const channel = localRevocations();
  const events: PhantomTokenEvent[] = [];
  const instance = (options: Partial<PhantomTokenClientOptions> = {}) =>
    createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      cache: tieredCache(memoryCache(), shared),
      revocations: channel,
      now: clock.now,
      onEvent: (event) => events.push(event),
      ...options,
    });
  return { server, shared, channel, events, instance };
}

const inactive = expect.objectContaining({ name: 'BearerError', code: 'ERR_INACTIVE' });

const ways: ReadonlyArray<[string, (client: PhantomTokenClient) => Promise<void>]> = [
  ['token', (client) => client.revoke('CANARY-token')],
  ['subject', (client) => client.revokeBySubject(somebody.sub)],
  ['session', (client) => client.revokeBySession(somebody.sid)],
];

describe.each(ways)('a %s that is revoked', (_what, revoke) => {
  it('is asked about again here, by the next request', async () => {
    const { server, instance } = await setUp();
    const client = instance();
    await client.exchange('CANARY-token');
    await revoke(client);
    expect(await client.exchange('CANARY-token')).toMatchObject({ source: 'introspection' });
    expect(client.exchangeOrWait('CANARY-token')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(2);
  });

  it('is refused at every instance at once, although the shared tier still had it', async () => {
    const { server, instance } = await setUp();
    const clients = Array.from({ length: 8 }, () => instance());
    for (const client of clients) await client.exchange('CANARY-token');
    for (const client of clients)
      expect(client.exchangeOrWait('CANARY-token')).toMatchObject({ source: 'memory' });
    server.answer = statusAnswer(204);
    await revoke(clients[0] as PhantomTokenClient);
    for (const client of clients) await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
  });

  it('needs no channel to be revoked here and in the shared tier', async () => {
    const { server, instance } = await setUp();
    const client = instance({ revocations: undefined as never });
    await client.exchange('CANARY-token');
    server.answer = statusAnswer(204);
    await revoke(client);
    await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
  });

  it('is not passed on by an answer that was in the air, at no instance', async () => {
    const { server, instance } = await setUp();
    const [one, other] = [instance({ cache: memoryCache() }), instance({ cache: memoryCache() })];
    const held: Array<() => void> = [];
    let arrived = () => {};
    const bothArrived = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    server.answer = (response, call) => {
      held.push(() => jwtAnswer(jwtOf(somebody))(response, call));
      if (held.length === 2) arrived();
    };
    const waiting = [
      one.exchange('CANARY-token'),
      one.exchange('CANARY-token'),
      other.exchange('CANARY-token'),
    ];
    await bothArrived;
    await revoke(one);
    server.answer = statusAnswer(204);
    for (const release of held) release();
    for (const outcome of await Promise.allSettled(waiting))
      expect(outcome).toMatchObject({ status: 'rejected', reason: inactive });
    // and nothing of it was stored
    clock.advance(6);
    for (const client of [one, other])
      await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
  });

  it('is not passed on by what another instance stores meanwhile', async () => {
    const { server, shared, instance } = await setUp();
    const client = instance();
    await client.exchange('CANARY-token');
    const keys: string[] = [];
    const spy = { ...shared, get: async (key: string) => void keys.push(key) };
    await instance({ cache: spy }).exchange('CANARY-token');
    await revoke(client);
    server.answer = statusAnswer(204);
    const late: CacheEntry = {
      result: { active: true, jwt: jwtOf(somebody), claims: somebody },
      expiresAt: clock.now() + 300,
      storedAt: clock.now() - 1,
    };
    await shared.set(keys[0] as string, late);
    await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
    // nor from memory, should it have been promoted
    clock.advance(6);
    await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
  });

  it('is used again when another instance asked clearly later', async () => {
    const { server, instance } = await setUp();
    const [one, other] = [instance(), instance()];
    await one.exchange('CANARY-token');
    await revoke(one);
    clock.advance(5.5);
    await other.exchange('CANARY-token');
    expect(await one.exchange('CANARY-token')).toMatchObject({ source: 'shared' });
    expect(one.exchangeOrWait('CANARY-token')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(2);
  });

  it('is asked about again where memory does not say what it holds', async () => {
    const { get, set, delete: forget } = memoryCache();
    const { server, instance } = await setUp();
    const client = instance({ cache: { get, set, delete: forget } });
    await client.exchange('CANARY-token');
    server.answer = statusAnswer(204);
    await revoke(client);
    await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
  });

  it('is not kept in memory once it was asked for', async () => {
    const { server, instance } = await setUp();
    const cache = memoryCache();
    const set = vi.fn(cache.set);
    const client = instance({ cache: { ...cache, set } });
    await client.exchange('CANARY-token');
    await revoke(client);
    server.answer = statusAnswer(500);
    await expect(client.exchange('CANARY-token')).rejects.toThrow(expect.objectContaining({ status: 502 }));
    expect(cache.memory.peek(set.mock.calls[0]?.[0] as string)).toBeUndefined();
  });

  it('is not told to clients of another issuer', async () => {
    const { server, instance } = await setUp(jwtAnswer(jwtOf({ ...somebody, iss: 'https://two.test' })));
    const one = instance({ issuer: 'https://one.test' });
    const two = instance({ issuer: 'https://two.test' });
    await two.exchange('CANARY-token');
    await revoke(one);
    expect(two.exchangeOrWait('CANARY-token')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(1);
  });

  it('is told to all clients of its issuer, whatever their credentials and options', async () => {
    const { server, instance } = await setUp(jwtAnswer(jwtOf({ ...somebody, iss: 'https://as.test' })));
    const one = instance({ issuer: 'https://as.test' });
    const other = instance({
      issuer: 'https://as.test',
      clientAuth: clientSecretBasic('another', 'sesame'),
      introspectionEndpoint: `${server.endpoint}?x`,
      maxTtlSeconds: 60,
    });
    await other.exchange('CANARY-token');
    await revoke(one);
    expect(await other.exchange('CANARY-token')).toMatchObject({ source: 'introspection' });
  });

  it('is told in digests that hold nothing of it', async () => {
    const { channel, instance } = await setUp();
    const published: string[] = [];
    const client = instance({
      revocations: { ...channel, publish: (digest) => void published.push(digest) },
    });
    await revoke(client);
    expect(published).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
    expect(published.join()).not.toContain('CANARY');
  });

  it('is revoked here although the channel fails, which the caller hears of', async () => {
    const { server, channel, instance } = await setUp();
    for (const publish of [
      () => Promise.reject(new Error('the channel is cut')),
      () => {
        throw new Error('the channel is cut');
      },
    ]) {
      const client = instance({ revocations: { ...channel, publish } });
      server.answer = jwtAnswer(jwtOf(somebody));
      await client.exchange('CANARY-token');
      await expect(revoke(client)).rejects.toThrow('the channel is cut');
      server.answer = statusAnswer(204);
      await expect(client.exchange('CANARY-token')).rejects.toThrow(inactive);
    }
  });

  it('is revoked without a synchronous hash too', async () => {
    vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
    vi.resetModules();
    onTestFinished(() => void vi.resetModules());
    const { createPhantomTokenClient: create } = await import('./client.js');
    const { server, channel } = await setUp();
    const make = () =>
      create({
        ...server.asked,
        clientAuth: clientSecretBasic('g', 's'),
        revocations: channel,
        now: clock.now,
      });
    const [one, other] = [make(), make()];
    for (const client of [one, other]) await client.exchange('CANARY-token');
    await one.revokeBySubject('somebody else');
    for (const client of [one, other])
      expect(await client.exchange('CANARY-token')).toMatchObject({ source: 'memory' });
    await revoke(one);
    for (const client of [one, other])
      expect(await client.exchange('CANARY-token')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(4);
  });
});

describe('a revocation', () => {
  it('of another token, subject or session leaves a token alone', async () => {
    const { server, instance } = await setUp();
    const client = instance();
    await client.exchange('t');
    await client.revoke('other');
    await client.revokeBySubject('other');
    await client.revokeBySession('other');
    // one kind is not mistaken for another
    await client.revokeBySubject(somebody.sid);
    await client.revokeBySession(somebody.sub);
    await client.revoke(somebody.sub);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(1);
  });

  it('leaves tokens alone that name neither subject nor session, or a session that is no text', async () => {
    const { server, instance } = await setUp(jwtAnswer(jwtOf({ sid: 7 })));
    const client = instance();
    await client.exchange('t');
    await client.revokeBySubject('undefined');
    await client.revokeBySession('7');
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(1);
  });

  it('does not undo that a token was called inactive', async () => {
    const { server, instance } = await setUp(statusAnswer(204));
    const client = instance();
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    await client.revokeBySubject('s');
    expect(() => client.exchangeOrWait('t')).toThrow(inactive);
    expect(server.calls).toHaveLength(1);
  });

  it('keeps a hit synchronous', async () => {
    const { instance } = await setUp();
    const client = instance();
    await client.exchange('t');
    await client.revokeBySubject('other');
    const token = client.exchangeOrWait('t');
    expect(token).toMatchObject({ source: 'memory' });
    expect(client.exchangeOrWait('t')).toBe(token);
  });

  it('that comes with every answer refuses with 503 rather than use one', async () => {
    const { server, instance } = await setUp();
    const client = instance();
    const answer = jwtAnswer(jwtOf(somebody));
    server.answer = async (response, call) => {
      await client.revokeBySubject(somebody.sub);
      answer(response, call);
    };
    await expect(client.exchange('t')).rejects.toThrow(
      expect.objectContaining({ name: 'IntrospectionError', status: 503, retryAfterSeconds: 1 }),
    );
    expect(server.calls).toHaveLength(3);
  });

  it('says when the shared tier could not forget, and still holds', async () => {
    const { server, shared, instance } = await setUp();
    for (const fail of [
      () => Promise.reject(new Error('down')),
      () => {
        throw new Error('down');
      },
    ]) {
      const [one, other] = [
        instance({ cache: tieredCache(memoryCache(), { ...shared, delete: fail }) }),
        instance(),
      ];
      server.answer = jwtAnswer(jwtOf(somebody));
      await one.exchange('t');
      await other.exchange('t');
      await expect(one.revoke('t')).rejects.toThrow('down');
      server.answer = statusAnswer(204);
      for (const client of [one, other]) await expect(client.exchange('t')).rejects.toThrow(inactive);
      clock.advance(400);
    }
  });

  it.each([undefined, null, '', 7])('of a subject or session %o is a mistake', async (value) => {
    const { instance } = await setUp();
    await expect(instance().revokeBySubject(value as string)).rejects.toThrow(TypeError);
    await expect(instance().revokeBySession(value as string)).rejects.toThrow(TypeError);
  });

  it('is an event that says nothing of whom', async () => {
    const { events, instance } = await setUp();
    const client = instance();
    await client.revokeBySubject(somebody.sub);
    expect(events).toEqual([
      { type: 'revoked', by: 'caller' },
      { type: 'revoked', by: 'channel' },
    ]);
  });

  it('shows nothing in the client', async () => {
    const { instance } = await setUp();
    const client = instance();
    await client.exchange('CANARY-token');
    for (const [, revoke] of ways) await revoke(client);
    expect(inspect(client, { showHidden: true, depth: 9 })).not.toContain('CANARY');
  });
});

/** A channel whose other end the test holds. */
function heldChannel() {
  const end = { say: (_digest: string) => {}, gap: () => {}, left: false };
  const channel: RevocationChannel = {
    publish() {},
    subscribe(onRevoked, onGap) {
      Object.assign(end, { say: onRevoked, gap: onGap });
      return () => {
        end.left = true;
      };
    },
  };
  return { end, channel };
}

describe('a channel', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no text', 7],
    ['an object', { digest: 'x' }],
    ['an empty text', ''],
    ['a short one', 'a'.repeat(42)],
    ['a long one', 'a'.repeat(44)],
    ['other characters', 'é'.repeat(43)],
    ['a digest and a line', `${'a'.repeat(43)}\n`],
  ])('that says %s is not heard', async (_title, message) => {
    const { events, instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    await client.exchange('t');
    end.say(message as string);
    expect(events.filter(({ type }) => type === 'revoked')).toEqual([]);
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
  });

  it('that floods costs no more than introspections', async () => {
    const { server, instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    await client.exchange('t');
    for (let index = 0; index <= 100_000; index++) end.say(String(index).padStart(43, 'x'));
    // the first half was let go, and with it whatever is as old
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(2);
  });

  it('that had a gap empties memory, and leaves the shared tier', async () => {
    const { server, events, instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    await client.exchange('t');
    end.gap();
    expect(events.at(-1)).toEqual({ type: 'revocation_gap' });
    expect(await client.exchange('t')).toMatchObject({ source: 'shared' });
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
    expect(server.calls).toHaveLength(1);
  });

  it('that had a gap empties inactive answers too', async () => {
    const { server, instance } = await setUp(statusAnswer(204));
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    end.gap();
    server.answer = jwtAnswer(jwtOf(somebody));
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('that had a gap makes answers in the air void', async () => {
    const { server, instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    server.answer = (response, call) => {
      end.gap();
      server.answer = statusAnswer(204);
      jwtAnswer(jwtOf(somebody))(response, call);
    };
    await expect(client.exchange('t')).rejects.toThrow(inactive);
    expect(server.calls).toHaveLength(2);
  });

  it.each<[string, (cache: TokenCache) => TokenCache]>([
    ['does not say what it holds', ({ get, set, delete: forget }) => ({ get, set, delete: forget })],
    [
      'does not forget it',
      (cache) => ({
        ...cache,
        memory: {
          peek: () => undefined,
          clear() {
            throw new Error('stuck');
          },
        },
      }),
    ],
  ])('that had a gap voids what this process asked for where memory %s', async (_title, change) => {
    const { server, instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel, cache: change(memoryCache()) });
    await client.exchange('t');
    end.gap();
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(2);
  });

  it('that had a gap voids what others asked for where memory cannot be told from the shared tier', async () => {
    const { server, shared, instance } = await setUp();
    const { end, channel } = heldChannel();
    await instance({ cache: shared }).exchange('t');
    const client = instance({ revocations: channel, cache: shared });
    expect(await client.exchange('t')).toMatchObject({ source: 'shared' });
    end.gap();
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
    expect(server.calls).toHaveLength(2);
  });

  it('is left when the client is closed', async () => {
    const { instance } = await setUp();
    const { end, channel } = heldChannel();
    const client = instance({ revocations: channel });
    expect(end.left).toBe(false);
    client.close();
    expect(end.left).toBe(true);
    instance({ revocations: undefined as never }).close();
  });
});
