import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, it, onTestFinished } from 'vitest';
import { createAuthorizer } from './authorize.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { jwtVerifier } from './jwt-verifier.js';

// JWTs that name keys which their issuer does not have cost a sender nothing; they must not cost the issuer more

const startAt = 1_800_000_000;
const endAt = startAt + 120;
const issuer = 'https://as.test';
/** The first fetch, and one for each 30 s that have passed since. */
const maxFetches = 1 + (endAt - startAt) / 30;
/** How many are judged at the same moment. */
const batchSize = 50;
const isNode = !('Bun' in globalThis) && !('Deno' in globalThis);
const total = process.env.TEST_SIZE === 'full' ? 1_000_000 : 100_000;

const segment = (text: string) => Buffer.from(text, 'latin1').toString('base64url');
const payload = segment(JSON.stringify({ iss: issuer, aud: 'api', exp: endAt + 600 }));
const rest = `.${payload}.${segment('x'.repeat(64))}`;

/** Right in everything but its signature, with a `kid` that no other has. */
const makeForged = (index: number) => segment(`{"alg":"ES256","typ":"at+jwt","kid":"${index}"}`) + rest;

async function makeKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const sign = () =>
    new SignJWT({ iss: issuer, aud: 'api', exp: endAt + 600, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .sign(privateKey);
  return { sign, jwk: { ...(await exportJWK(publicKey)), kid } };
}

/** An issuer with one key that counts how often it is asked for it, and a clock for both sides. */
async function setUp() {
  const clock = { now: startAt };
  const fetchedAt: number[] = [];
  const [first, second] = await Promise.all([makeKey('first'), makeKey('second')]);
  const keys = [first.jwk];
  const verifier = jwtVerifier({
    issuer,
    audience: 'api',
    algorithms: ['ES256'],
    jwksUri: `${issuer}/jwks`,
    async fetch() {
      fetchedAt.push(clock.now);
      return Response.json({ keys });
    },
  });
  const rotate = () => void keys.push(second.jwk);
  // nobody reads the stacks of so many errors
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  return { clock, fetchedAt, verifier, first, second, rotate };
}

function expectFewFetches(fetchedAt: readonly number[]): void {
  expect(fetchedAt.length).toBeGreaterThan(1);
  expect(fetchedAt.length).toBeLessThanOrEqual(maxFetches);
  for (const [index, at] of fetchedAt.entries())
    expect(at - (fetchedAt[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(30);
}

it(`${total} JWTs with unknown keys make a verifier fetch keys once in 30 seconds at most`, async () => {
  const { clock, fetchedAt, verifier, first, second, rotate } = await setUp();
  const fromFirst = await first.sign();
  const fromSecond = await second.sign();
  let refused = 0;
  const judge = (jwt: string) =>
    verifier.verify(jwt, clock.now).catch((error) => {
      if (error.code === 'ERR_JWT_VERIFICATION' && error.message.includes('NO_MATCHING_KEY')) refused++;
      else throw error;
    });

  for (let index = 0; index < total; index += batchSize) {
    clock.now = startAt + ((endAt - startAt) * index) / (total - batchSize);
    if (index === total / 2) rotate();
    await Promise.all(Array.from({ length: batchSize }, (_, offset) => judge(makeForged(index + offset))));
    if (index % 10_000 === 0) await verifier.verify(fromFirst, clock.now);
  }

  expect(refused).toBe(total);
  // the key that came in between was not kept from those who need it
  await verifier.verify(fromSecond, clock.now);
  expectFewFetches(fetchedAt);
}, 600_000);

/** A route that takes the JWTs of such an issuer, in front of a server that calls every other token inactive. */
async function setUpRoute() {
  const { clock, verifier, ...issuing } = await setUp();
  const now = () => clock.now;
  const counts = { verified: 0, refused: 0 };
  const client = createPhantomTokenClient({
    introspectionEndpoint: 'https://as.test/introspect',
    clientAuth: clientSecretBasic('gateway', 'sesame'),
    fetch: async () => new Response(null, { status: 204 }),
    now,
  });
  const verify = (jwt: string, at: number) => {
    counts.verified++;
    return verifier.verify(jwt, at);
  };
  const { authorize } = createAuthorizer({ client, acceptJwts: { ...verifier, verify }, now });
  const present = async (jwt: string) =>
    authorize({ method: 'GET', url: '/', authorization: `Bearer ${jwt}` });
  const flood = async (from: number, to: number) => {
    for (let index = from; index < to; index += batchSize) {
      const wave = Array.from({ length: batchSize }, (_, offset) =>
        present(makeForged(index + offset)).catch((error) => {
          if (error.code === 'ERR_INACTIVE') counts.refused++;
          else throw error;
        }),
      );
      await Promise.all(wave);
    }
  };
  return { ...issuing, clock, counts, present, flood };
}

it('a route that accepts JWTs fetches keys as rarely, and forgets most of the flood at once', async () => {
  const { clock, counts, fetchedAt, present, flood, first } = await setUpRoute();
  for (const quarter of [0, 1, 2, 3]) {
    clock.now = startAt + quarter * 30;
    await flood(quarter * 5000, (quarter + 1) * 5000);
  }
  expect(counts).toEqual({ verified: 20_000, refused: 20_000 });
  expectFewFetches(fetchedAt);
  // the last one is known to be none of ours, one of the same moment is not any more
  await flood(20_000 - batchSize, 20_000);
  expect(counts.verified).toBe(20_000);
  await flood(15_000, 15_000 + batchSize);
  expect(counts.verified).toBe(20_000 + batchSize);
  expect(await present(await first.sign())).toMatchObject({ source: 'verification' });
}, 300_000);

async function readHeap(): Promise<number> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([
    import('node:v8'),
    import('node:vm'),
  ]);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

it.runIf(isNode)(
  'a flood of JWTs leaves nothing in the memory of a route that accepts JWTs',
  async () => {
    const { clock, flood } = await setUpRoute();
    await flood(0, 10_000);
    // what else is at work here may add to one measurement; a leak adds to all
    let least = Number.POSITIVE_INFINITY;
    for (let wave = 1; wave <= 5 && least >= 1_000_000; wave++) {
      const before = await readHeap();
      clock.now += 30;
      await flood(wave * 10_000, (wave + 1) * 10_000);
      least = Math.min(least, (await readHeap()) - before);
    }
    expect(least).toBeLessThan(1_000_000);
  },
  300_000,
);
