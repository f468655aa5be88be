import {
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  type PhantomTokenClient,
} from '@phantom-token/core';
import { jwt, noContent } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { refused } from '../expected-answers.js';
import { createGate } from '../faults.js';
import type { Answer } from '../scripted-server.js';
import { patientSeconds, type Stage } from '../stage.js';

/** Two issuers with one cache: `/other` belongs to the second, for which no token is active. */
async function mountBoth(stage: Stage, elsewhere: string) {
  const cache = memoryCache();
  const clientAt = (introspectionEndpoint: string): PhantomTokenClient =>
    createPhantomTokenClient({
      introspectionEndpoint,
      clientAuth: clientSecretBasic('conformance', canaries.secret),
      timeoutSeconds: patientSeconds,
      now: stage.clock,
      cache,
    });
  const [own, other] = [clientAt(stage.server.endpoint), clientAt(elsewhere)];
  return stage.mount({ client: ({ url }) => (new URL(url, 'http://a').pathname === '/other' ? other : own) });
}

/** The second issuer's endpoint, on the same server. */
function openSecond({ server }: Stage, answer: Answer): string {
  server.answerAt('/second', answer);
  return `${server.origin}/second`;
}

const assertAsked = ({ server }: Stage) =>
  assertEqual([server.calls.length, server.requestsTo('/second').length], [1, 1], 'introspections');

/** Several issuers: a token of one is none of the other, in caches and in flights. */
export const issuerCases = [
  scene(
    'a request is judged by the issuer that is chosen for it, with one cache for all',
    {},
    async (stage) => {
      const { passes, refuses } = await mountBoth(stage, openSecond(stage, noContent()));
      for (const source of ['introspection', 'memory'] as const) {
        await passes({}, { source });
        await refuses(refused.inactive, { target: '/other' });
      }
      assertAsked(stage);
    },
  ),
  scene('a token in the air at one issuer is not shared with another', {}, async (stage) => {
    const gate = createGate();
    stage.server.answer(gate.hold(jwt()));
    const { passes, refuses } = await mountBoth(stage, openSecond(stage, gate.hold(noContent())));
    const first = passes();
    await stage.server.called(1);
    const second = refuses(refused.inactive, { target: '/other' });
    gate.open();
    await Promise.all([first, second]);
    assertAsked(stage);
  }),
];
