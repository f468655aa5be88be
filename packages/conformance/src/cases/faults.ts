import { gzipSync } from 'node:zlib';
import { memoryCache } from '@phantom-token/core';
import { activeJson, inTurn, jsonType, jwt, jwtType, reply, signed } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { unknown } from '../expected-answers.js';
import {
  closeAtOnce,
  closeDelimited,
  createGate,
  drip,
  endlessBody,
  gzipBomb,
  gzipped,
  late,
  neverAnswer,
  resetAtOnce,
  resetHalfway,
  shortBody,
  unfinishedChunks,
} from '../faults.js';
import { goodClaims, signJwt } from '../jwt-samples.js';
import type { Answer } from '../scripted-server.js';
import { patientSeconds } from '../stage.js';

const { unreliable, timedOut } = unknown;
const cap = 65_536;

/** Active JSON, filled up with blanks to this size. */
const sized = (bytes: number) =>
  reply(200, jsonType, async () =>
    JSON.stringify({ active: true, jwt: await signJwt(goodClaims) }).padEnd(bytes),
  );

const slow: readonly (readonly [what: string, answer: Answer])[] = [
  ['never answers', neverAnswer()],
  ['sends the head and drips the body', drip()],
  ['answers too late', late(0.6, jwt())],
];

const broken: readonly (readonly [what: string, answer: Answer])[] = [
  ['breaks the connection off in the middle of the body', resetHalfway()],
  ['states a longer body than it sends', shortBody()],
  ['leaves out the last chunk', unfinishedChunks()],
  [
    'closes the connection inside the second segment',
    closeDelimited(async () => (await signJwt(goodClaims)).replace(/.\.[^.]*$/, '')),
  ],
  ['sends a JSON body that breaks off', closeDelimited('{"active":true,"jwt":"', jsonType)],
  ['sends what is not HTTP', (connection) => connection.write('SSH-2.0-scripted\r\n').then(connection.end)],
];

const oversized: readonly (readonly [what: string, answer: Answer])[] = [
  ['a body one byte over the cap', sized(cap + 1)],
  ['a gzip that unpacks to far more than the cap', gzipBomb()],
  ['a gzip of JSON that unpacks to far more than the cap', gzipBomb(jsonType)],
];

/** How long a deadline may be overrun. */
const slackSeconds = 0.05;
/** How much too early a timer may fire, and clocks may differ. */
const roundingSeconds = 0.005;
const timeoutSeconds = 0.2;
/** Of so many one must be in time: a machine that stands still makes any single one late, a broken rule makes all. */
const attempts = 20;

/** What goes wrong between us and the authorization server. None of it looks like a bad token. */
export const faultCases = [
  ...slow.map(([what, says]) =>
    scene(
      `a server that ${what}: 504 at the deadline, and its connection is closed`,
      { says, client: { timeoutSeconds, breakerFailures: 0 } },
      async ({ refuses, server }) => {
        let soonest = Number.POSITIVE_INFINITY;
        let refusals = 0;
        while (soonest > timeoutSeconds + slackSeconds && refusals < attempts) {
          const startedAt = performance.now();
          await refuses(timedOut, `Bearer ${refusals++}`);
          soonest = Math.min(soonest, (performance.now() - startedAt) / 1000);
        }
        const isPunctual =
          soonest > timeoutSeconds - roundingSeconds && soonest < timeoutSeconds + slackSeconds;
        assertEqual(isPunctual, true, `whether ${soonest} s is about the deadline`);
        assertEqual(server.calls.length <= refusals, true, 'whether nothing was asked twice');
        await server.deserted();
      },
    ),
  ),
  scene(
    'an answer after the deadline is not remembered',
    { client: () => ({ cache: memoryCache(), timeoutSeconds }) },
    async (stage) => {
      const gate = createGate();
      stage.server.answer(gate.hold(jwt()));
      await stage.refuses(timedOut);
      gate.open();
      await stage.server.deserted();
      stage.server.answer(jwt({ ...goodClaims, scope: 'later' }));
      const patient = await stage.mount({}, { timeoutSeconds: patientSeconds });
      await patient.passes(undefined, { source: 'introspection', claims: { scope: 'later' } });
    },
  ),
  ...broken.map(([what, says]) =>
    row(`a server that ${what}: 502, and it is not asked again`, { says, gets: unreliable }),
  ),
  scene('a server that refuses connections: 502', {}, async ({ server, refuses }) => {
    await server.close();
    await refuses(unreliable);
  }),
  scene('a cached token passes while the server is down, and a new one gets 502', {}, async (stage) => {
    await stage.passes();
    await stage.server.close();
    await stage.passes(undefined, { source: 'memory' });
    await stage.refuses(unreliable, 'Bearer new');
    await stage.server.reopen();
    await stage.passes('Bearer new');
  }),
  row('a connection that dies before an answer is tried once more', {
    says: inTurn(resetAtOnce(), jwt()),
    calls: 2,
  }),
  row('a connection that is closed before an answer is tried once more', {
    says: inTurn(closeAtOnce(), jwt()),
    calls: 2,
  }),
  row('a connection that dies twice: 502', {
    says: inTurn(resetAtOnce(), resetAtOnce(), jwt()),
    gets: unreliable,
    calls: 2,
  }),
  row('a body of the size of the cap passes', { says: sized(cap) }),
  row('a body over a configured cap: 502', { client: { maxResponseBytes: 100 }, gets: unreliable }),
  ...oversized.map(([what, says]) => row(`${what}: 502`, { says, gets: unreliable })),
  ...[jwtType, jsonType].map((type) =>
    scene(
      `an endless body of ${type['Content-Type']}: 502, and it is not read to its end`,
      { says: endlessBody(type) },
      async (stage) => {
        await stage.refuses(unreliable);
        await stage.server.deserted();
        assertEqual(stage.server.bytesSent < 16_000_000, true, 'whether the server could stop');
        stage.asked(1);
      },
    ),
  ),
  row('a body whose length is not stated passes', { says: closeDelimited() }),
  row('an honest gzip passes', { says: gzipped() }),
  row('an honest gzip of JSON passes', {
    says: gzipped(async () => JSON.stringify({ active: true, jwt: await signJwt(goodClaims) }), jsonType),
  }),
  row('a gzip that is none: 502', {
    says: reply(200, { ...jwtType, 'Content-Encoding': 'gzip' }, signed()),
    gets: unreliable,
  }),
  row('a body gzipped twice: 502', {
    says: gzipped(async () => gzipSync(await signJwt(goodClaims)), {
      ...jwtType,
      'Content-Encoding': 'gzip, gzip',
    }),
    gets: unreliable,
  }),
  row('a body said to be gzipped a thousand times: 502', {
    says: gzipped(signed(), { ...jwtType, 'Content-Encoding': Array(1000).fill('gzip').join(', ') }),
    gets: unreliable,
  }),
  scene(
    'an answer in time passes, however close to the deadline',
    { says: late(0.3, activeJson()), client: { timeoutSeconds: 0.5, breakerFailures: 0 } },
    async ({ client, passes }) => {
      const outcomes: string[] = [];
      while (outcomes.at(-1) !== 'introspection' && outcomes.length < attempts) {
        const asked = client.exchange(String(outcomes.length));
        outcomes.push(await asked.then(({ source }) => source, String));
      }
      assertEqual(outcomes.at(-1), 'introspection', 'the outcome of the last attempt');
      await passes(`Bearer ${outcomes.length - 1}`, { source: 'memory' });
    },
  ),
];
