import { expect, it } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { createClock } from '../test/clock.js';
import type { CacheEntry, TokenCache } from './cache.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenEvent } from './events.js';
import { memoryCache } from './memory-cache.js';
import type { RevocationChannel } from './revocation-channel.js';
import { tieredCache } from './tiered-cache.js';

/** Two instances on a tier that can be down, the first of which has stored what it found. */
async function setUp() {
  const clock = createClock();
  const server = await startServer(jwtAnswer(unsignedJwt({ exp: clock.now() + 3600 })));
  const entries = new Map<string, CacheEntry>();
  const state = { cannot: [] as (keyof TokenCache)[], deletions: 0 };
  const attempt = async <T>(what: keyof TokenCache, work: () => T) => {
    if (state.cannot.includes(what)) throw new Error('down');
    return work();
  };
  const far: TokenCache = {
    get: (key) => attempt('get', () => entries.get(key)),
    set: (key, entry) => attempt('set', () => void entries.set(key, entry)),
    delete: (key) => {
      state.deletions++;
      return attempt('delete', () => void entries.delete(key));
    },
  };
  const published: string[] = [];
  const revocations: RevocationChannel = {
    publish: async (digest) => void published.push(digest),
    subscribe: () => () => {},
  };
  const events: PhantomTokenEvent[] = [];
  const instance = () => {
    const client = createPhantomTokenClient({
      ...server.asked,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      cache: tieredCache(memoryCache(), far),
      revocations,
      now: clock.now,
      onEvent: (event) => events.push(event),
    });
    return (token: string) =>
      client.exchange(token).then(
        ({ source }) => source,
        ({ code }) => code,
      );
  };
  await instance()('t');
  server.answer = statusAnswer(204);
  return { clock, state, entries, published, events, ask: instance() };
}

it('an entry that could not be read is not used after the server has called the token inactive', async () => {
  const { clock, state, entries, ask } = await setUp();
  state.cannot = ['get'];
  expect(await ask('t')).toBe('ERR_INACTIVE');
  expect(entries.size).toBe(0);
  state.cannot = [];
  clock.advance(6);
  expect(await ask('t')).toBe('ERR_INACTIVE');
});

it('nor is one that could not be deleted either', async () => {
  const { clock, state, entries, ask } = await setUp();
  state.cannot = ['get', 'delete'];
  expect(await ask('t')).toBe('ERR_INACTIVE');
  expect(entries.size).toBe(1);
  state.cannot = [];
  clock.advance(6);
  expect(await ask('t')).toBe('ERR_INACTIVE');
});

it('other instances are not told of a token of which nothing was known', async () => {
  const { state, published, events, ask } = await setUp();
  state.cannot = ['get'];
  await ask('t');
  expect(published).toEqual([]);
  expect(events.map(({ type }) => type)).not.toContain('revoked');
});

it('a token that the shared tier does not know is deleted nowhere', async () => {
  const { state, ask } = await setUp();
  expect(await ask('unknown')).toBe('ERR_INACTIVE');
  expect(state.deletions).toBe(0);
});
