import { IntrospectionError } from '@phantom-token/core';
import { choose, jwt, noContent, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { type ExpectedAnswer, refused, unknown } from '../expected-answers.js';
import { createGate, type Gate } from '../faults.js';
import { goodClaims } from '../jwt-samples.js';
import type { Answer } from '../scripted-server.js';
import type { Setting, Stage } from '../stage.js';

const { token } = canaries;
const { unreliable, busy } = unknown;

const times = <T>(count: number, make: (number: number) => T) =>
  Array.from({ length: count }, (_, number) => make(number));

/** A scene in which the server holds its answer back until the gate is opened. */
const held = (
  title: string,
  { says = jwt(), ...setting }: Setting,
  play: (stage: Stage, gate: Gate) => Promise<void>,
) =>
  scene(title, setting, (stage) => {
    const gate = createGate();
    stage.server.answer(gate.hold(says));
    return play(stage, gate);
  });

/** Resolves once so many callers have joined a call in the air. */
async function joined({ events }: Stage, count: number): Promise<void> {
  while (events.filter(({ type }) => type === 'flight_joined').length < count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const together: readonly (readonly [outcome: string, says: Answer, gets: ExpectedAnswer | undefined])[] = [
  ['all pass', jwt(), undefined],
  ['all get 401', noContent(), refused.inactive],
  ['all get 502', status(500), unreliable],
  ['all get 503', status(503, { 'Retry-After': '7' }), busy(7)],
];

/** Tries to change whatever it is given. */
function vandalize(victim: object): void {
  for (const [name, value] of Object.entries(victim)) {
    if (typeof value === 'object' && value !== null) vandalize(value);
    Reflect.set(victim, name, 'vandalized');
  }
  Reflect.set(victim, 'vandal', true);
}

/** Requests with the same token at the same time share one introspection, and nothing else. */
export const flightCases = [
  ...together.map(([outcome, says, gets]) =>
    held(
      `100 parallel first requests cause one introspection, and ${outcome}`,
      { says },
      async (stage, gate) => {
        const requests = times(100, () => (gets ? stage.refuses(gets) : stage.passes()));
        await joined(stage, 99);
        gate.open();
        await Promise.all(requests);
        stage.asked(1);
      },
    ),
  ),
  scene('different tokens do not wait for each other', {}, async (stage) => {
    const gate = createGate();
    stage.server.answer(choose(({ form }) => (form.get('token') === 'slow' ? gate.hold(jwt()) : jwt())));
    const slow = stage.passes('Bearer slow');
    await stage.server.called(1);
    await Promise.all(times(10, (number) => stage.passes(`Bearer quick-${number}`)));
    gate.open();
    await slow;
    stage.asked(11);
  }),
  held(
    'after a failed call the next request starts a new one',
    { says: status(500) },
    async (stage, gate) => {
      const failing = times(3, () => stage.refuses(unreliable));
      await joined(stage, 2);
      gate.open();
      await Promise.all(failing);
      stage.server.answer(jwt());
      await stage.passes();
      stage.asked(2);
    },
  ),
  held(
    'a client that leaves takes nobody with it, and its request goes no further',
    {},
    async (stage, gate) => {
      const leaving = stage.send();
      await stage.server.called(1);
      leaving.leave();
      const staying = times(2, () => stage.passes());
      await joined(stage, 2);
      gate.open();
      await Promise.all(staying);
      stage.asked(1);
    },
  ),
  held('when every client has left, the next one is served all the same', {}, async (stage, gate) => {
    const leaving = times(3, () => stage.send());
    await joined(stage, 2);
    for (const client of leaving) client.leave();
    const staying = stage.passes();
    await joined(stage, 3);
    gate.open();
    await staying;
  }),
  held('a caller that aborts ends its own wait only', {}, async (stage, gate) => {
    const controller = new AbortController();
    const reason = new Error('the caller has gone');
    const aborted = stage.client
      .exchange(token, { signal: controller.signal })
      .catch((error) => error === reason);
    await stage.server.called(1);
    const staying = stage.passes();
    await joined(stage, 1);
    controller.abort(reason);
    assertEqual(await aborted, true, "whether the caller got its own signal's reason");
    gate.open();
    await staying;
    stage.asked(1);
  }),
  held('a caller with a shorter deadline gets 504, and the others their answer', {}, async (stage, gate) => {
    const staying = stage.passes();
    await stage.server.called(1);
    const hasty = stage.client.exchange(token, { signal: AbortSignal.timeout(20) });
    const outcome = await hasty.catch((error) => error instanceof IntrospectionError && error.status);
    assertEqual(outcome, 504, 'the status for the hasty caller');
    gate.open();
    await staying;
    stage.asked(1);
  }),
  held('a token that is evicted in mid-air is not remembered', {}, async (stage, gate) => {
    const flying = stage.passes();
    await stage.server.called(1);
    await stage.client.evict(token);
    gate.open();
    await flying;
    stage.server.answer(noContent());
    await stage.refuses(refused.inactive);
    stage.asked(2);
  }),
  held(
    'beyond maxConcurrentIntrospections and the queue: 503',
    {
      client: { maxConcurrentIntrospections: 1, maxQueuedIntrospections: 1 },
    },
    async (stage, gate) => {
      const flying = stage.passes('Bearer first');
      await stage.server.called(1);
      const queued = stage.client.exchange('second');
      await stage.refuses(busy(1), 'Bearer third');
      gate.open();
      await Promise.all([flying, queued]);
      stage.asked(2);
    },
  ),
  held('beyond maxWaiters: 503', { client: { maxWaiters: 1 } }, async (stage, gate) => {
    const waiting = times(2, () => stage.passes());
    await joined(stage, 1);
    await stage.refuses(busy(1));
    gate.open();
    await Promise.all(waiting);
    stage.asked(1);
  }),
  scene(
    'what one handler does to its token reaches no other request',
    {
      says: jwt({ ...goodClaims, aud: ['https://api.example'], nested: { list: [{ a: 1 }] } }),
      onHandle(accessToken) {
        vandalize(accessToken);
        vandalize(accessToken.claims);
      },
    },
    async (stage) => {
      const claims = {
        scope: goodClaims.scope,
        aud: ['https://api.example'],
        nested: { list: [{ a: 1 }] },
        vandal: undefined,
      };
      for (const _request of times(3, Number)) await stage.passes(undefined, { claims });
      stage.asked(1);
    },
  ),
];
