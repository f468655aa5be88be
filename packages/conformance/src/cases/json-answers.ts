import { activeJson, json, jsonType, jwt, reply, signed } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims, signJwt, unsignedJwt } from '../jwt-samples.js';

const { unreliable } = unknown;
const client = { accept: 'application/json' } as const;

/** A JSON text around the good JWT. */
const text = (write: (jwt: string) => string) =>
  reply(200, jsonType, async () => write(await signJwt(goodClaims)));

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const ambiguous: readonly (readonly [what: string, write: (jwt: string) => string])[] = [
  ['active: false, then true', (it) => `{"active":false,"active":true,"jwt":"${it}"}`],
  ['active: true, then false', (it) => `{"active":true,"active":false,"jwt":"${it}"}`],
  ['active twice, once escaped', (it) => `{"active":false,"\\u0061ctive":true,"jwt":"${it}"}`],
  ['the JWT twice', (it) => `{"active":true,"jwt":"${it}","jwt":"${it}"}`],
  ['scope twice', (it) => `{"active":true,"jwt":"${it}","scope":"read","scope":"admin"}`],
  ['a list around it', (it) => `[{"active":true,"jwt":"${it}"}]`],
  ['something after it', (it) => `{"active":true,"jwt":"${it}"}{}`],
  ['a comment in it', (it) => `{"active":true,/**/"jwt":"${it}"}`],
  ['its end missing', (it) => `{"active":true,"jwt":"${it}"`],
  ['nesting 101 deep', (it) => `{"active":true,"jwt":"${it}","x":${nested(101)}}`],
  ['nesting 20,000 deep', (it) => `{"active":true,"jwt":"${it}","x":${nested(20_000)}}`],
  ['nesting 100,000 deep', (it) => `{"active":true,"jwt":"${it}","x":${nested(100_000)}}`],
];

/** JSON answers, asked for or given instead of a JWT (RFC 7662 §2.2). */
export const jsonAnswerCases = [
  ...['phantom_token', 'jwt'].flatMap((member) => [
    row(`active JSON with a JWT in ${member} passes`, {
      client,
      says: text((it) => `{"active":true,"${member}":"${it}"}`),
    }),
    row(`active JSON with a JWT in ${member} passes where a JWT was asked for`, {
      says: text((it) => `{"active":true,"${member}":"${it}"}`),
    }),
  ]),
  row('active JSON under application/json; charset=utf-8 passes', {
    client,
    says: activeJson({}, goodClaims, { 'Content-Type': 'application/json; charset=utf-8' }),
  }),
  row('active JSON with a JWT in a configured member passes', {
    client: { ...client, jwtMembers: ['access'] },
    says: text((it) => `{"active":true,"access":"${it}"}`),
  }),
  row('active JSON with a JWT in a member that is not configured: 502', {
    client: { ...client, jwtMembers: ['access'] },
    says: activeJson(),
    gets: unreliable,
  }),
  row('active JSON without a JWT: 502', { client, says: json({ active: true }), gets: unreliable }),
  ...[null, 1, {}, ['x'], ''].map((phantom_token) =>
    row(`active JSON with ${JSON.stringify(phantom_token)} for a JWT: 502`, {
      client,
      says: json({ active: true, phantom_token }),
      gets: unreliable,
    }),
  ),
  scene(
    'active JSON without a JWT is reported as ERR_NO_JWT',
    { client, says: json({ active: true }) },
    async (stage) => {
      await stage.refuses(unreliable);
      const codes = stage.events.flatMap((event) => ('code' in event ? [event.code] : []));
      assertEqual(codes, ['ERR_NO_JWT'], 'reported codes');
    },
  ),
  row('inactive JSON is inactive', { client, says: json({ active: false }), gets: refused.inactive }),
  row('inactive JSON is inactive where a JWT was asked for', {
    says: json({ active: false }),
    gets: refused.inactive,
  }),
  row('inactive JSON is inactive whatever else it says', {
    client,
    says: activeJson({ active: false, exp: 'never', scope: 1 }),
    gets: refused.inactive,
  }),
  ...['true', 'false', '1', 1, 0, null, [], [true], {}].map((active) =>
    row(`JSON with active: ${JSON.stringify(active)}: 502`, {
      client,
      says: activeJson({ active }),
      gets: unreliable,
    }),
  ),
  row('JSON without active: 502', { client, says: activeJson({ active: undefined }), gets: unreliable }),
  ...['', 'null', 'true', '"active"', 'active=true', '<html></html>'].map((body) =>
    row(`the body ${JSON.stringify(body)} as JSON: 502`, {
      client,
      says: reply(200, jsonType, body),
      gets: unreliable,
    }),
  ),
  row('JSON that is not UTF-8: 502', {
    client,
    says: reply(200, jsonType, async () =>
      Buffer.from(`{"active":true,"jwt":"${await signJwt(goodClaims)}","x":"\xe9"}`, 'latin1'),
    ),
    gets: unreliable,
  }),
  ...ambiguous.map(([what, write]) =>
    row(`JSON with ${what}: 502`, { client, says: text(write), gets: unreliable }),
  ),
  row('JSON of the same names in different objects passes', {
    client,
    says: activeJson({ a: { active: false, x: 1 }, b: { active: false, x: 1 } }),
  }),
  row('JSON under text/plain: 502', {
    client,
    says: activeJson({}, goodClaims, { 'Content-Type': 'text/plain' }),
    gets: unreliable,
  }),
  row('a bare JWT where JSON was asked for: 502', { client, says: jwt(), gets: unreliable }),
  row('active JSON around a JWT that says active: false: 502', {
    client,
    says: activeJson({}, { ...goodClaims, active: false }),
    gets: unreliable,
  }),
  row('active JSON around an unsigned JWT: 502', {
    client,
    says: activeJson({ phantom_token: unsignedJwt({ alg: 'none' }, goodClaims, 'c2ln') }),
    gets: unreliable,
  }),
  row('active JSON around an introspection response: 502', {
    client,
    says: reply(200, jsonType, async () => {
      const response = await signed(goodClaims, { typ: 'token-introspection+jwt' })();
      return JSON.stringify({ active: true, phantom_token: response });
    }),
    gets: unreliable,
  }),
  scene(
    'members named __proto__ and constructor are plain data',
    {
      client,
      says: text(
        (it) =>
          `{"active":true,"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"jwt":"${it}"}`,
      ),
    },
    async ({ passes }) => {
      await passes();
      assertEqual('polluted' in {}, false, 'whether Object.prototype was changed');
    },
  ),
  scene(
    'members named __proto__ in a JWT are plain data',
    { says: jwt('{"sub":"CANARYsubject-2b64","__proto__":{"polluted":1}}') },
    async ({ passes }) => {
      await passes();
      assertEqual('polluted' in {}, false, 'whether Object.prototype was changed');
    },
  ),
];
