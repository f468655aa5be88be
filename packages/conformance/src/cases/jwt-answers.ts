import { json, jwt, jwtType, noContent, reply, signed } from '../answers.js';
import { row, scene } from '../case-forms.js';
import { refused, unknown } from '../expected-answers.js';
import { goodClaims, notUtf8, signJwt, unsignedJwt } from '../jwt-samples.js';

const { unreliable } = unknown;

/** The good JWT, with something done to it. */
const altered = (alter: (jwt: string) => string) =>
  reply(200, jwtType, async () => alter(await signJwt(goodClaims)));

const typed = (contentType: string | undefined) => jwt(goodClaims, { 'Content-Type': contentType });

const misshapen: readonly (readonly [what: string, alter: (jwt: string) => string])[] = [
  ['nothing', () => ''],
  ['one segment', (it) => it.replaceAll('.', '')],
  ['two segments', (it) => it.slice(0, it.lastIndexOf('.'))],
  ['two segments and a dot', (it) => it.slice(0, it.lastIndexOf('.') + 1)],
  ['four segments', (it) => `${it}.eyJ9`],
  ['five segments', (it) => `${it}.eyJ9.eyJ9`],
  ['only dots', () => '..'],
  ['a space inside', (it) => it.replace('.', '. ')],
  ['a line break inside', (it) => it.replace('.', '.\n')],
  ['a character outside base64url', (it) => it.replace('.', '+.')],
  ['padding', (it) => `${it}=`],
  ['a space after it', (it) => `${it} `],
  ['two line breaks after it', (it) => `${it}\n\n`],
  ['a line break before it', (it) => `\n${it}`],
  ['a byte order mark before it', (it) => `\ufeff${it}`],
  ['quotes around it', (it) => `"${it}"`],
  ['a header that is not JSON', (it) => it.replace(/^[^.]+/, 'AAAA')],
  ['a payload that is not JSON', (it) => it.replace(/\.[^.]+\./, '.AAAA.')],
  ['a payload that is a list', (it) => it.replace(/\.[^.]+\./, '.W10.')],
  ['an HTML page', () => '<!doctype html><title>Sign in</title>'],
];

const signature = 'c2lnbmF0dXJl';

/** Answers to `Accept: application/jwt`. */
export const jwtAnswerCases = [
  row('a JWT passes', {}),
  ...['application/jwt; charset=utf-8', 'Application/JWT', 'application/jwt;x="y"'].map((type) =>
    row(`a JWT under ${type} passes`, { says: typed(type) }),
  ),
  ...[
    undefined,
    'text/plain',
    'text/html',
    'application/octet-stream',
    'application/at+jwt',
    'application/jwtx',
    'application/token-introspection+jwt',
  ].map((type) =>
    row(`a JWT under ${type ?? 'no media type'}: 502`, { says: typed(type), gets: unreliable }),
  ),
  row('one trailing newline is trimmed', { says: altered((it) => `${it}\n`) }),
  ...misshapen.map(([what, alter]) =>
    row(`a JWT body with ${what}: 502`, { says: altered(alter), gets: unreliable }),
  ),
  row('a JWT that is not UTF-8: 502', { says: jwt(notUtf8(goodClaims)), gets: unreliable }),
  row('a login page with status 200: 502', {
    says: reply(200, { 'Content-Type': 'text/html' }, '<!doctype html><title>Sign in</title>'),
    gets: unreliable,
  }),
  row('a 204 is inactive', { says: noContent(), gets: refused.inactive }),
  row('a JWT that says active: false is inactive', {
    says: jwt({ ...goodClaims, active: false }),
    gets: refused.inactive,
  }),
  row('a JWT that says active: true passes', { says: jwt({ ...goodClaims, active: true }) }),
  ...['true', 1, null].map((active) =>
    row(`a JWT that says active: ${JSON.stringify(active)}: 502`, {
      says: jwt({ ...goodClaims, active }),
      gets: unreliable,
    }),
  ),
  row('a JWT with two active members: 502', {
    says: jwt('{"sub":"CANARYsubject-2b64","active":false,"active":true}'),
    gets: unreliable,
  }),
  ...['none', 'None', 'NONE', 'nOnE', undefined, '', 1].map((alg) =>
    row(`a JWT whose alg is ${JSON.stringify(alg) ?? 'missing'}: 502`, {
      says: reply(200, jwtType, unsignedJwt({ alg, typ: 'at+jwt' }, goodClaims, signature)),
      gets: unreliable,
    }),
  ),
  row('a JWT whose alg is none, without a signature: 502', {
    says: reply(200, jwtType, unsignedJwt({ alg: 'none' }, goodClaims)),
    gets: unreliable,
  }),
  ...['token-introspection+jwt', 'application/token-introspection+jwt', 'Token-Introspection+JWT'].map(
    (typ) =>
      row(`a JWT of type ${typ} is never forwarded: 502`, {
        says: reply(200, jwtType, signed(goodClaims, { typ })),
        gets: unreliable,
      }),
  ),
  row('an answer without active, where a JWT was asked for: 502', { says: json({}), gets: unreliable }),
  scene('an unreliable answer is not remembered', { says: altered(() => '') }, async (stage) => {
    await stage.refuses(unreliable);
    stage.server.answer(jwt());
    await stage.passes();
    stage.asked(2);
  }),
];
