import {
  clientSecretBasic,
  memoryCache,
  type PhantomTokenClientOptions,
  type TokenCache,
} from '@phantom-token/core';
import { activeJson, choose, jwt, noContent } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { refused } from '../expected-answers.js';
import { emptyCache } from '../odd-caches.js';
import type { Stage } from '../stage.js';

const faults: readonly (readonly [what: string, cache: Partial<TokenCache>])[] = [
  ['throws on get', { get: fail }],
  ['rejects on get', { get: async () => fail() }],
  [
    'returns what is no entry',
    { get: () => JSON.parse('{"result":{"active":"yes"},"expiresAt":2000000000}') },
  ],
  ['returns an entry without a deadline', { get: () => JSON.parse('{"result":{"active":false}}') }],
  ['throws on set', { set: fail }],
  ['rejects on set', { set: async () => fail() }],
];

function fail(): never {
  throw new Error('the cache is broken');
}

async function passesWithOneCacheError({ passes, events }: Stage): Promise<void> {
  await passes(undefined, { source: 'introspection' });
  const errors = events.filter(({ type }) => type === 'cache_error');
  assertEqual(errors.length, 1, 'reported cache errors');
}

/** Other contexts, in which the server might have said something else. */
const contexts: readonly (readonly [what: string, options: () => Partial<PhantomTokenClientOptions>])[] = [
  ['another client id', () => ({ clientAuth: clientSecretBasic('other', canaries.secret) })],
  ['another Accept', () => ({ accept: 'application/json' })],
  ['another JWT member', () => ({ jwtMembers: ['jwt', 'phantom_token'] })],
  ['another issuer', () => ({ issuer: 'https://issuer.example' })],
  ['another audience', () => ({ audience: 'https://api.example' })],
  ['another extra parameter', () => ({ extraParameters: { resource: 'a' } })],
  ['verified JWTs', () => ({ verifyJwt: { context: 'other', verify: async () => {} } })],
];

/** What is remembered, for whom, and what happens when remembering fails. */
export const cacheCases = [
  scene(
    'tokens that differ in a letter, its case or its padding have their own answers',
    {},
    async (stage) => {
      stage.server.answer(choose(({ form }) => (form.get('token') === 'token' ? jwt() : noContent())));
      await stage.passes('Bearer token');
      for (const other of ['Token', 'token=', 'token1', 'oken'])
        await stage.refuses(refused.inactive, `Bearer ${other}`);
      stage.asked(5);
    },
  ),
  ...contexts.map(([what, options]) =>
    scene(
      `clients that share a cache but have ${what} do not share answers`,
      { client: () => ({ cache: memoryCache() }), says: activeJson() },
      async (stage) => {
        await stage.passes();
        const other = await stage.mount({}, options());
        await other.passes(undefined, { source: 'introspection' });
        stage.asked(2);
      },
    ),
  ),
  scene(
    'clients of one context share the answers in their cache',
    { client: () => ({ cache: memoryCache() }) },
    async (stage) => {
      await stage.passes();
      const other = await stage.mount({}, {});
      await other.passes(undefined, { source: 'memory' });
      stage.asked(1);
    },
  ),
  scene('an answer from a cache that has to be waited for is shared', {}, async (stage) => {
    const memory = memoryCache();
    const door = await stage.mount(
      {},
      { cache: { ...memory, get: async (key, now) => memory.get(key, now) } },
    );
    await door.passes(undefined, { source: 'introspection' });
    await door.passes(undefined, { source: 'shared' });
    stage.asked(1);
  }),
  scene('the cache is given no token, for a key or a part of one', {}, async (stage) => {
    const keys: string[] = [];
    const door = await stage.mount(
      {},
      { cache: emptyCache({ get: (key) => void keys.push(key), set: (key) => void keys.push(key) }) },
    );
    await door.passes();
    assertEqual(
      [keys.length, keys.some((key) => key.includes('CANARY'))],
      [2, false],
      'keys and tokens in them',
    );
  }),
  ...faults.map(([what, difference]) =>
    scene(
      `a cache that ${what} refuses nobody`,
      { client: { cache: emptyCache(difference) } },
      passesWithOneCacheError,
    ),
  ),
  scene(
    'a cache that never answers a get refuses nobody',
    { client: { cache: emptyCache({ get: () => new Promise(() => {}) }) } },
    passesWithOneCacheError,
  ),
  scene('a token that was evicted is introspected again', {}, async (stage) => {
    await stage.passes();
    await stage.client.evict(canaries.token);
    stage.server.answer(noContent());
    await stage.refuses(refused.inactive);
    stage.asked(2);
  }),
];
