import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connectRedis, redisCache } from '@phantom-token/cache-redis';
import type { CacheEntry } from '@phantom-token/core';
import { audience, issueJwt, issuer, usualClaims } from './authorization-server.js';
import { keepApart } from './cores.js';
import { createClientOf, makeKey } from './guards.js';
import { measureInRounds, type PairedResult } from './paired.js';
import { startRedis } from './redis-server.js';
import { type Measurement, printTable } from './table.js';

const quick = process.argv.includes('--quick');
const rounds = quick ? 4 : 20;
const pairs = quick ? 24 : 30;
const sliceSeconds = 0.02;
const entries = 64;
/** A machine that stands still for a moment ends no run. */
const patienceSeconds = 10;
/** More than the derivations that an instance remembers. */
const manyEntries = 12_288;

const { privateKey } = await makeKey();
const now = Date.now() / 1000;
const exp = Math.floor(now) + 3600;
const jwt = await issueJwt(privateKey);
const claims = { ...usualClaims, iss: issuer, aud: audience, exp };
const entry: CacheEntry = { result: { active: true, jwt, claims }, expiresAt: exp, storedAt: now };

const { url, process: server } = await startRedis();
const redis = connectRedis({ url });
await once(redis, 'ready');
const cache = redisCache(redis, {
  pepper: { id: 'bench', secret: randomBytes(32).toString('base64') },
  commandTimeoutSeconds: patienceSeconds,
});
const client = createClientOf(jwt, { cache, cacheTimeoutSeconds: patienceSeconds });
const tokens = Array.from({ length: entries }, () => randomBytes(16).toString('base64url'));
const keys = Array.from({ length: manyEntries }, () => randomBytes(32).toString('base64url'));
for (const key of keys) await cache.set(key, entry, now);
const [stored] = await redis.keys('pt:*');
const bytes = await redis.strlen(stored as string);
for (const key of keys) await redis.set(key, randomBytes(bytes));
for (const token of tokens) await client.exchange(token);

type Work = (index: number) => Promise<unknown>;

const bare: Work = (index) => redis.getBuffer(keys[index] as string);

/** Work on so many entries in turn that none is met again soon. */
function onMany(work: Work): Work {
  let count = 0;
  return () => work(count++ % manyEntries);
}

async function hit(index: number): Promise<void> {
  if ((await cache.get(keys[index] as string, now)) === undefined) throw new Error('Redis did not have it');
}

async function exchange(index: number): Promise<void> {
  const { source } = await client.exchange(tokens[index] as string);
  if (source !== 'shared') throw new Error('Redis did not have it');
}

/** Microseconds of one, where so many are on their way at once. */
async function microsecondsOf(work: Work, atOnce: number): Promise<number> {
  const startedAt = performance.now();
  const endsAt = startedAt + sliceSeconds * 1000;
  let count = 0;
  const goOn = async () => {
    while (performance.now() < endsAt) await work(count++ % entries);
  };
  await Promise.all(Array.from({ length: atOnce }, goOn));
  return ((performance.now() - startedAt) / count) * 1000;
}

const against = (work: Work, atOnce = 1, baseline = bare) => ({
  subject: () => microsecondsOf(work, atOnce),
  baseline: () => microsecondsOf(baseline, atOnce),
});

const measured = [
  { name: `GET of ${bytes} bytes / the same, so that noise shows`, ...against(bare) },
  { name: 'hit from Redis / GET of as many bytes', atMost: 1.5, ...against(hit) },
  { name: 'the same, 32 at once', ...against(hit, 32) },
  { name: 'the first hit of a token / GET of as many bytes', ...against(onMany(hit), 1, onMany(bare)) },
  { name: 'exchange of a token that only Redis knows / GET of as many bytes', ...against(exchange) },
];
let isApart = true;
const results = await measureInRounds(measured, {
  rounds,
  pairs,
  warmUps: [quick ? 20 : 100, 2],
  beforeRound(round) {
    isApart = keepApart(server, round % 2 === 1) && isApart;
  },
});
const missed = await printTable(
  `${rounds} rounds of ${pairs} alternating pairs of ${sliceSeconds * 1000} ms slices, Redis ${isApart ? 'on a core of its own' : 'wherever the scheduler puts it'}`,
  measured.map(
    (it, index): Measurement => ({ ...it, unit: 'µs', run: async () => results[index] as PairedResult }),
  ),
);
process.exit(missed === 0 ? 0 : 1);
