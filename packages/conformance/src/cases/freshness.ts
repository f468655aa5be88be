import { activeJson, inTurn, jwt, noContent, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims, type Payload } from '../jwt-samples.js';
import { timelessCache } from '../odd-caches.js';
import type { Setting } from '../stage.js';

const { exp: _, ...endless } = goodClaims;

interface Kept extends Omit<Setting, 'says'> {
  readonly claims?: Payload;
  readonly headers?: Readonly<Record<string, string>>;
  /** For how long the answer is reused; 0: not at all. */
  readonly seconds: number;
}

const controlled = (seconds: number, control: string, more: Readonly<Record<string, string>> = {}): Kept => ({
  headers: { 'Cache-Control': control, ...more },
  seconds,
});

/** A token that ends in 340 s by our clock, from a server with another. */
const dated = (aheadSeconds: number, seconds: number): Kept => ({
  client: { maxTtlSeconds: 3600 },
  claims: { ...goodClaims, exp: startAt + 340 },
  headers: { Date: new Date((startAt + aheadSeconds) * 1000).toUTCString() },
  seconds,
});

const lifetimes: readonly (readonly [what: string, kept: Kept])[] = [
  ['an answer', { seconds: 300 }],
  ['an answer with maxTtlSeconds: 20', { client: { maxTtlSeconds: 20 }, seconds: 20 }],
  ['an answer with maxTtlSeconds: 0', { client: { maxTtlSeconds: 0 }, seconds: 0 }],
  ['a token that ends in 60 s', { claims: { ...goodClaims, exp: startAt + 60 }, seconds: 50 }],
  [
    'a token that ends in 60 s, with earlyExpirySeconds: 0',
    { client: { earlyExpirySeconds: 0 }, claims: { ...goodClaims, exp: startAt + 60 }, seconds: 60 },
  ],
  [
    'a token that ends within earlyExpirySeconds',
    { claims: { ...goodClaims, exp: startAt + 10 }, seconds: 0 },
  ],
  ['a token that ends in milliseconds', { claims: { ...goodClaims, exp: startAt * 1000 }, seconds: 300 }],
  ['a token without exp', { claims: endless, seconds: 0 }],
  ['a token with exp 0 beside active: true', { claims: { ...goodClaims, active: true, exp: 0 }, seconds: 0 }],
  [
    'a token without exp, with noExpiryTtlSeconds: 30',
    { client: { noExpiryTtlSeconds: 30 }, claims: endless, seconds: 30 },
  ],
  [
    'a token without exp, with noExpiryTtlSeconds beyond maxTtlSeconds',
    { client: { noExpiryTtlSeconds: 3000 }, claims: endless, seconds: 300 },
  ],
  ['a token without exp under max-age=30', { claims: endless, ...controlled(30, 'max-age=30') }],
  ['a token of a server whose clock is ours', dated(0, 330)],
  ['a token of a server whose clock is 5 min ahead of ours', dated(300, 30)],
  ['a token of a server whose clock is 5 min behind ours', dated(-300, 330)],
  ['a token that has ended by the clock of its server', dated(400, 0)],
  ['a token of a server whose Date is none', { ...dated(0, 300), client: {}, headers: { Date: 'soon' } }],
  ['an answer under no-store', controlled(0, 'no-store')],
  ['an answer under No-Store in mixed case', controlled(0, 'No-Store')],
  ['an answer under no-cache', controlled(0, 'no-cache')],
  ['an answer under max-age=0', controlled(0, 'max-age=0')],
  ['an answer under max-age=30', controlled(30, 'max-age=30')],
  ['an answer under private, max-age=30', controlled(30, 'private, max-age=30')],
  ['an answer under max-age=30, no-store', controlled(0, 'max-age=30, no-store')],
  ['an answer under max-age beyond maxTtlSeconds', controlled(300, 'max-age=86400')],
  ['an answer under a max-age of 400 digits', controlled(300, `max-age=${'9'.repeat(400)}`)],
  ['an answer under max-age=30 that is 10 s old', controlled(20, 'max-age=30', { Age: '10' })],
  ['an answer under max-age=30 that is 40 s old', controlled(0, 'max-age=30', { Age: '40' })],
  ['an answer under max-age=30 with a malformed Age', controlled(30, 'max-age=30', { Age: 'young' })],
  ['an answer under max-age=20, max-age=300', controlled(20, 'max-age=20, max-age=300')],
  ['an answer under max-age=30x', controlled(300, 'max-age=30x')],
  ['an answer under max-age=soon', controlled(300, 'max-age=soon')],
  ['an answer under max-age=-1', controlled(300, 'max-age=-1')],
  ['an answer under a malformed Cache-Control', controlled(300, ';;=,max-age')],
  [
    'an answer under no-store, with obeyCacheControl: false',
    { client: { obeyCacheControl: false }, ...controlled(300, 'no-store') },
  ],
  [
    'an answer under max-age=30, with obeyCacheControl: false',
    { client: { obeyCacheControl: false }, ...controlled(300, 'max-age=30') },
  ],
];

const inactiveLifetimes: readonly (readonly [what: string, seconds: number, setting: Setting])[] = [
  ['an inactive answer', 5, { says: noContent() }],
  [
    'an inactive answer, with inactiveTtlSeconds: 20',
    20,
    { says: noContent(), client: { inactiveTtlSeconds: 20 } },
  ],
  [
    'an inactive answer, with inactiveTtlSeconds: 0',
    0,
    { says: noContent(), client: { inactiveTtlSeconds: 0 } },
  ],
  ['an inactive answer under no-store', 5, { says: noContent({ 'Cache-Control': 'no-store' }) }],
  ['an inactive answer under max-age=3600', 5, { says: noContent({ 'Cache-Control': 'max-age=3600' }) }],
  ['an ended token', 5, { says: jwt({ ...goodClaims, exp: startAt - 1 }) }],
  ['a refresh token', 5, { says: activeJson({ token_type: 'refresh_token' }) }],
  ['a token that begins in a minute', 5, { says: jwt({ ...goodClaims, nbf: startAt + 60 }) }],
];

const lasting = (what: string, seconds: number) =>
  seconds === 0 ? `${what} is not reused` : `${what} is reused for ${seconds} s and no longer`;

/** How long an answer is reused (RFC 9111 §4.2, RFC 7662 §4). */
export const freshnessCases = [
  ...lifetimes.map(([what, { claims, headers, seconds, ...setting }]) =>
    scene(lasting(what, seconds), { ...setting, says: jwt(claims, headers) }, async (stage) => {
      await stage.passes(undefined, { source: 'introspection' });
      stage.server.answer(noContent());
      if (seconds > 0) {
        stage.clock.advance(seconds - 1);
        await stage.passes(undefined, { source: 'memory' });
        stage.clock.advance(1);
      }
      await stage.refuses(refused.inactive);
      stage.asked(2);
    }),
  ),
  ...inactiveLifetimes.map(([what, seconds, setting]) =>
    scene(lasting(what, seconds), setting, async (stage) => {
      await stage.refuses(refused.inactive);
      stage.server.answer(jwt());
      if (seconds > 0) {
        stage.clock.advance(seconds - 1);
        await stage.refuses(refused.inactive);
        stage.clock.advance(1);
      }
      await stage.passes();
      stage.asked(2);
    }),
  ),
  scene('a hit does not prolong its entry', { client: { maxTtlSeconds: 30 } }, async (stage) => {
    await stage.passes();
    for (const _tenSeconds of [1, 2]) {
      stage.clock.advance(10);
      await stage.passes(undefined, { source: 'memory' });
    }
    stage.clock.advance(10);
    await stage.passes(undefined, { source: 'introspection' });
  }),
  scene(
    'an entry past its deadline is not used, whatever the cache returns',
    { client: () => ({ cache: timelessCache() }) },
    async (stage) => {
      await stage.passes();
      stage.clock.advance(299);
      await stage.passes(undefined, { source: 'memory' });
      stage.clock.advance(1);
      await stage.passes(undefined, { source: 'introspection' });
    },
  ),
  scene(
    'a server that changes its mind every time is believed for each lifetime',
    { says: inTurn(jwt(), noContent(), jwt(), noContent()) },
    async (stage) => {
      for (const _turn of [1, 2]) {
        await stage.passes();
        stage.clock.advance(299);
        await stage.passes();
        stage.clock.advance(1);
        await stage.refuses(refused.inactive);
        stage.clock.advance(4);
        await stage.refuses(refused.inactive);
        stage.clock.advance(1);
      }
      stage.asked(4);
    },
  ),
  scene('an unknown outcome is not remembered', { says: status(500) }, async (stage) => {
    await stage.refuses(unknown.unreliable);
    await stage.refuses(unknown.unreliable);
    stage.asked(2);
  }),
  ...['no-store', 'no-cache', 'max-age=0'].map((control) =>
    scene(
      `the first answer under ${control} raises one warning that names obeyCacheControl`,
      { says: jwt(goodClaims, { 'Cache-Control': control }) },
      async (stage) => {
        await stage.passes();
        await stage.passes();
        const warnings = stage.events.flatMap((event) => (event.type === 'warning' ? [event] : []));
        const named = warnings.map(({ code, message }) => [
          code,
          message.includes('obeyCacheControl: false'),
        ]);
        assertEqual(named, [['WARN_CACHE_FORBIDDEN', true]], 'warnings');
      },
    ),
  ),
];
