import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canaries } from '@phantom-token/conformance';
import type { TokenCache } from '@phantom-token/core';
import type { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { openAdmin } from '../test/topologies/admin.js';
import { startAuthority } from '../test/topologies/authority.js';
import { entryKeys } from '../test/topologies/entries.js';
import { type Instance, startFleet } from '../test/topologies/fleet.js';
import { expectUnharmed, startLoad } from '../test/topologies/load.js';
import { startMonitor } from '../test/topologies/monitor.js';
import { forAll, forTest, together } from '../test/topologies/owned.js';
import { startStandalone } from '../test/topologies/standalone.js';
import { leaksIn, tracesOf } from '../test/topologies/traces.js';
import { CacheError } from './cache-error.js';
import { readPeppers } from './pepper.js';
import { createSealing } from './sealed-entry.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const pepper = { id: 'p1', secret: 'CANARYpepper-0f6a1c9d-2b7e-4c53-9a41-d8e5b0c7f123' };
const redisPassword = 'CANARYpassword-c41d';
const tokenOf = (index: number) => `${canaries.token.replaceAll('=', '')}.${index}`;
const tokens = Array.from({ length: 60 }, (_, index) => tokenOf(index));

/** Remembers the keys that the client makes of tokens: who has one of them needs the pepper alone. */
function noting(cache: TokenCache, keys: Set<string>): TokenCache {
  const get: TokenCache['get'] = (key, now) => {
    keys.add(key);
    return cache.get(key, now);
  };
  return { ...cache, get };
}

/** A full run of eight instances: hits, misses, evictions, and a fault in between. */
const run = () =>
  together(async (own) => {
    const server = await own(
      startStandalone({
        password: redisPassword,
        config: ['rdbcompression no', 'slowlog-log-slower-than 0'],
      }),
    );
    const { redis } = await own(openAdmin(server, { password: redisPassword }));
    const authority = await own(startAuthority({ name: canaries.subject }));
    const monitor = await own(startMonitor(server, redisPassword));
    const cacheKeys = new Set<string>();
    const fleet = await own(
      startFleet(server.address, {
        endpoint: authority.endpoint,
        memoryEntries: (index) => (index === 0 ? 0 : 10),
        isPatient: true,
        tier: { pepper },
        wrap: (cache) => noting(cache, cacheKeys),
      }),
    );
    await fleet.connected();
    const load = startLoad(fleet, authority, {
      nextToken: (turn) => (turn % 10 === 9 ? `unknown-${tokenOf(turn)}` : tokenOf(turn % tokens.length)),
    });
    await load.more(800);
    // the one without memory: what it answers comes from Redis or the authorization server
    const [{ client: bare }] = fleet.instances as [Instance];
    for (const token of tokens.slice(0, 5)) await bare.evict(token);
    // errors and logs are places too
    await redis.config('SET', 'maxmemory', '1');
    await load.more(100);
    await redis.config('SET', 'maxmemory', '0');
    await load.more(400);
    const report = await load.stop();
    expectUnharmed(report);
    expect(report.sources.shared).toBeGreaterThan(20);
    return { server, redis, authority, monitor, cacheKeys, bare };
  });

/** All that Redis has on disk, in memory and in its logs. */
async function dump(redis: Redis, folder: string): Promise<Buffer> {
  await redis.save();
  const parts: Buffer[] = [await readFile(join(folder, 'dump.rdb'))];
  for (const key of await redis.keys('*'))
    parts.push(Buffer.from(key), (await redis.getBuffer(key)) ?? Buffer.alloc(0));
  for (const command of [
    ['SLOWLOG', 'GET', '-1'],
    ['ACL', 'LOG'],
    ['CLIENT', 'LIST'],
    ['INFO', 'everything'],
  ])
    parts.push(Buffer.from(JSON.stringify(await redis.call(...(command as [string])))));
  return Buffer.concat(parts);
}

describe('the search', () => {
  it.each(['', 'x', 'xy', 'xyz'])('finds a secret after %j in every form', (before) => {
    const secret = 'CANARY/+?é "1"';
    const whole = Buffer.from(`${before}${secret}, and more`);
    const forms = [
      whole.toString(),
      whole.toString('base64'),
      whole.toString('base64url'),
      whole.toString('hex'),
      whole.toString('hex').toUpperCase(),
      encodeURIComponent(whole.toString()),
      new URLSearchParams({ whole: whole.toString() }).toString(),
      JSON.stringify({ whole: whole.toString() }),
    ];
    for (const form of forms) expect(leaksIn(Buffer.from(form), { secret })).toEqual(['secret']);
  });

  it('finds nothing where nothing is', () => {
    expect(leaksIn(Buffer.from('CANARX and much else'), { secret: 'CANARY' })).toEqual([]);
    expect(tracesOf('CANARYsecret').every((trace) => trace.length >= 12)).toBe(true);
  });
});

describe('what Redis holds after a full run', () => {
  const after = forAll(run);

  it('shows no token, JWT, subject or secret in any form, nor does what it was asked', async () => {
    const { server, redis, authority, monitor, cacheKeys } = after();
    const subjects = tokens.map((token) => authority.subjectOf(token) ?? '');
    const secrets = {
      ...canaries,
      pepper: pepper.secret,
      password: redisPassword,
      // what all tokens and all subjects have in common
      tokens: 'CANARYtoken-9f1c.7a_b',
      subjects: 'owner of CANARY',
      claims: '"sub":"CANARY',
      ...Object.fromEntries(subjects.map((subject) => [subject, subject])),
      ...Object.fromEntries([...cacheKeys].map((key) => [key, key])),
    };
    expect(cacheKeys.size).toBeGreaterThan(tokens.length);
    const stored = await dump(redis, server.data);
    const asked = await monitor.captured();
    // there is something to search
    for (const key of await entryKeys(redis)) {
      expect(stored.includes(key)).toBe(true);
      expect(asked.includes(key)).toBe(true);
    }
    expect(leaksIn(stored, secrets)).toEqual([]);
    expect(leaksIn(asked, secrets)).toEqual([]);
  });

  it('opens to nobody without its token, with all the code, the pepper and tokens of his own', async () => {
    const { redis, cacheKeys, bare, authority } = after();
    const keys = await entryKeys(redis);
    expect(keys.length).toBeGreaterThan(40);
    const entries = await Promise.all(
      keys.map(async (key) => ({
        key,
        lookup: /\{(.*)\}/.exec(key)?.[1] ?? '',
        value: (await redis.getBuffer(key)) as Buffer<ArrayBuffer>,
      })),
    );
    const sealing = createSealing();
    const [known] = readPeppers(pepper);
    const derived = new Map(
      await Promise.all(
        [...cacheKeys].map(async (key) => [(await sealing.keysOf(key, known)).lookup, key] as const),
      ),
    );
    let opened = 0;
    for (const { lookup, value, key } of entries) {
      const others = [...cacheKeys].filter((it) => it !== derived.get(lookup)).slice(0, 20);
      const guesses = [...others, lookup, key, '', known.id, value.toString('latin1')];
      for (const guess of guesses) {
        const keysOfGuess = await sealing.keysOf(guess, known);
        for (const place of [lookup, keysOfGuess.lookup]) {
          const attempt = (async () => sealing.open(value, { ...keysOfGuess, lookup: place }))();
          await expect(attempt).rejects.toThrow(CacheError);
        }
      }
      // and that this is the way to open one, so that the rest means something
      const right = await sealing.keysOf(derived.get(lookup) ?? '', known);
      if ((await sealing.open(value, right)) !== undefined) opened++;
    }
    expect(opened).toBe(entries.length);

    // his own token, and everybody's entries in its place
    const before = new Set(keys);
    await bare.exchange('token-of-his-own');
    const place = (await entryKeys(redis)).find((key) => !before.has(key)) ?? '';
    expect((await bare.exchange('token-of-his-own')).source).toBe('shared');
    for (const { value } of entries) {
      await redis.set(place, value);
      const { source, claims } = await bare.exchange('token-of-his-own');
      expect(source).toBe('introspection');
      expect(claims.sub).toBe(authority.subjectOf('token-of-his-own'));
    }
  });

  it('cannot be forged by who has a token, and not the pepper', async () => {
    const { server, redis, authority, bare } = after();
    const storedFor = async (exchange: () => Promise<unknown>) => {
      const before = new Set(await entryKeys(redis));
      await exchange();
      return (await entryKeys(redis)).find((key) => !before.has(key)) ?? '';
    };
    const token = 'token-of-the-forger';
    const forgery = await forTest(
      startFleet(server.address, {
        size: 1,
        endpoint: authority.endpoint,
        isPatient: true,
        tier: { pepper: { ...pepper, secret: 'guessed'.repeat(8) } },
      }),
    );
    await forgery.connected();
    const forged = await storedFor(() => (forgery.instances[0] as Instance).client.exchange(token));
    const place = await storedFor(() => bare.exchange(token));
    expect(forged).not.toBe(place);
    expect((await bare.exchange(token)).source).toBe('shared');
    await redis.copy(forged, place, 'REPLACE');
    expect((await bare.exchange(token)).source).toBe('introspection');
  });
});
