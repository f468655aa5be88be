import { jwt, noContent } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { type ExpectedAnswer, refused } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';
import { timelessCache } from '../odd-caches.js';
import type { Setting } from '../stage.js';

interface Judged extends Setting {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly gets: ExpectedAnswer;
}

const audience = { audience: 'https://api.example' };
const cnf = { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' };

const refusals: readonly (readonly [what: string, judged: Judged])[] = [
  [
    'another audience',
    { client: audience, claims: { aud: 'https://other.example' }, gets: refused.wrongAudience },
  ],
  ['several other audiences', { client: audience, claims: { aud: ['a', 'b'] }, gets: refused.wrongAudience }],
  [
    'an audience that merely begins alike',
    { client: audience, claims: { aud: 'https://api.example.evil' }, gets: refused.wrongAudience },
  ],
  ['no audience', { client: audience, claims: { aud: undefined }, gets: refused.wrongAudience }],
  [
    'another issuer',
    {
      client: { issuer: 'https://issuer.example' },
      claims: { iss: 'https://other.example' },
      gets: refused.wrongIssuer,
    },
  ],
  [
    'an issuer with a slash more',
    {
      client: { issuer: 'https://issuer.example' },
      claims: { iss: 'https://issuer.example/' },
      gets: refused.wrongIssuer,
    },
  ],
  [
    'too little scope',
    { adapter: { requiredScopes: ['admin'] }, claims: {}, gets: refused.lacking('admin') },
  ],
  [
    'one of two scopes',
    { adapter: { requiredScopes: ['read', 'admin'] }, claims: {}, gets: refused.lacking('read admin') },
  ],
  [
    'a scope in other letters',
    { adapter: { requiredScopes: ['Read'] }, claims: {}, gets: refused.lacking('Read') },
  ],
  [
    'a scope that merely begins alike',
    { adapter: { requiredScopes: ['read'] }, claims: { scope: 'reader' }, gets: refused.lacking('read') },
  ],
  [
    'scopes parted by a tab',
    {
      adapter: { requiredScopes: ['read'] },
      claims: { scope: 'read\twrite' },
      gets: refused.lacking('read'),
    },
  ],
  [
    'an empty scope',
    { adapter: { requiredScopes: ['read'] }, claims: { scope: '' }, gets: refused.lacking('read') },
  ],
  [
    'no scope',
    { adapter: { requiredScopes: ['read'] }, claims: { scope: undefined }, gets: refused.lacking('read') },
  ],
  ['a key to prove', { claims: { cnf }, gets: refused.senderConstrained }],
];

const accepted: readonly (readonly [what: string, setting: Setting])[] = [
  ['the audience', { client: audience }],
  [
    'the audience among others',
    { client: audience, says: jwt({ ...goodClaims, aud: ['a', 'https://api.example'] }) },
  ],
  ['one of several configured audiences', { client: { audience: ['a', 'https://api.example'] } }],
  ['the issuer', { client: { issuer: goodClaims.iss } }],
  [
    'no issuer where one is configured',
    { client: { issuer: goodClaims.iss }, says: jwt({ ...goodClaims, iss: undefined }) },
  ],
  ['the scope', { adapter: { requiredScopes: ['read'] } }],
  ['all of two scopes', { adapter: { requiredScopes: ['write', 'read'] } }],
  [
    'a scope named twice',
    { adapter: { requiredScopes: ['read'] }, says: jwt({ ...goodClaims, scope: 'read read' }) },
  ],
];

/** What a token may be used for is judged on every request, hit or miss. */
export const policyCases = [
  ...accepted.map(([what, setting]) => row(`a token with ${what} passes`, setting)),
  ...refusals.map(([what, { claims, gets, ...setting }]) =>
    scene(
      `a token with ${what}: ${gets.status}, and again from the cache`,
      { ...setting, says: jwt({ ...goodClaims, ...claims }) },
      async ({ refuses, asked }) => {
        await refuses(gets);
        await refuses(gets);
        asked(1);
      },
    ),
  ),
  scene('a cached token is judged by the scopes of each adapter', {}, async ({ passes, mount, asked }) => {
    await passes();
    const strict = await mount({ requiredScopes: ['admin'] });
    await strict.refuses(refused.lacking('admin'));
    await passes();
    asked(1);
  }),
  scene(
    'a cached token is refused once its exp has passed, whatever the cache believes',
    { says: jwt({ ...goodClaims, exp: startAt + 60 }), client: () => ({ cache: timelessCache(1000) }) },
    async ({ passes, refuses, clock, asked }) => {
      await passes();
      clock.advance(59);
      await passes(undefined, { source: 'memory' });
      clock.advance(1);
      await refuses(refused.inactive);
      asked(1);
    },
  ),
  scene('expired, revoked and unknown tokens get the same answer', {}, async ({ send, server }) => {
    const answers: unknown[] = [];
    for (const says of [
      jwt({ ...goodClaims, exp: startAt - 1 }),
      jwt({ ...goodClaims, active: false }),
      noContent(),
    ]) {
      server.answer(says);
      const { status, header, body } = await send(`Bearer token-${answers.length}`).response;
      answers.push([status, header('WWW-Authenticate'), body]);
    }
    assertEqual(answers.slice(1), [answers[0], answers[0]], 'the answers');
  }),
];
