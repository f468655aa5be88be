import { noContent } from '../answers.js';
import { canaries } from '../canaries.js';
import { row, scene } from '../case-forms.js';
import { refused } from '../expected-answers.js';
import { goodClaims, signJwt, unsignedJwt } from '../jwt-samples.js';
import type { Sent } from '../stage.js';

const { token } = canaries;

const withoutToken: readonly (readonly [what: string, sends: Sent])[] = [
  ['no Authorization', { authorization: [] }],
  ['an empty Authorization', ''],
  ['Basic credentials', 'Basic dXNlcjpw'],
  ['Digest credentials with a comma in quotes', 'Digest username="x, Bearer y", response="r"'],
  ['Digest credentials', 'Digest username="x", realm="api", nonce="n", uri="/", response="r"'],
  ['the Negotiate scheme', 'Negotiate YII='],
  ['the DPoP scheme', `DPoP ${token}`],
  ['a scheme that begins with Bearer', `Bearerx ${token}`],
  ['a token glued to its scheme', `Bearer${token}`],
  ['Basic in front of a bearer token', `Basic Bearer ${token}`],
  ['a token without a scheme', token],
];

const malformed: readonly (readonly [what: string, sends: Sent])[] = [
  ['Bearer alone', 'Bearer'],
  ['Bearer and a space', 'Bearer '],
  ['a tab after Bearer', `Bearer\t${token}`],
  ['a space and a tab after Bearer', `Bearer \t${token}`],
  ['a space in the token', 'Bearer a b'],
  ['a tab in the token', 'Bearer a\tb'],
  ['a percent-encoded space in the token', 'Bearer a%20b'],
  ['padding alone', 'Bearer =='],
  ['padding in the middle', 'Bearer a=b'],
  ['a form parameter behind the token', `Bearer ${token}&token_type_hint=refresh_token`],
  ['another client behind the token', `Bearer ${token}&client_id=evil`],
  ['a percent-encoded form parameter', `Bearer ${token}%26a=b`],
  ['auth-params instead of a token', 'Bearer realm="api"'],
];

const everyLegalCharacter = `CANARYtoken0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/=`;
const longest = 'CANARYtoken'.padEnd(4096, 'x');

const illegal = '!"#$%&\'()*,:;<>?@[\\]^`{|}';

const accepted: readonly (readonly [what: string, sends: Sent])[] = [
  ['bearer in lower case', `bearer ${token}`],
  ['BEARER in upper case', `BEARER ${token}`],
  ['BeArEr in mixed case', `BeArEr ${token}`],
  ['two spaces after Bearer', `Bearer  ${token}`],
  ['ten spaces after Bearer', `Bearer${' '.repeat(10)}${token}`],
  ['white space before the value', ` \t Bearer ${token}`],
  ['white space after the value', `Bearer ${token} \t `],
];

const severalTokens: readonly (readonly [what: string, sends: Sent])[] = [
  ['two different Authorization headers', { authorization: [`Bearer ${token}`, 'Bearer other'] }],
  ['the same Authorization header twice', { authorization: [`Bearer ${token}`, `Bearer ${token}`] }],
  ['Basic and Bearer in two headers', { authorization: ['Basic dXNlcjpw', `Bearer ${token}`] }],
  ['Bearer and Basic in two headers', { authorization: [`Bearer ${token}`, 'Basic dXNlcjpw'] }],
  ['Basic and a bare scheme in two headers', { authorization: ['Basic dXNlcjpw', 'Negotiate'] }],
  ['the same bare scheme twice', { authorization: ['Negotiate', 'Negotiate'] }],
  ['Basic and an empty Authorization', { authorization: ['Basic dXNlcjpw', ''] }],
  ['an empty Authorization and Basic', { authorization: ['', 'Basic dXNlcjpw'] }],
  ['three Authorization headers', { authorization: ['Bearer a', 'Bearer b', 'Bearer c'] }],
  ['two credentials joined with a comma', `Bearer ${token}, Bearer other`],
  ['two foreign credentials joined with a comma', 'Basic dXNlcjpw, Negotiate'],
  ['a token in the header and in the query', { target: `/?access_token=${token}` }],
  ['a token in the header and another in the query', { target: '/path?a=1&access_token=other' }],
  ['a token in the header and an encoded name in the query', { target: '/?access%5Ftoken=other' }],
  ['a token in the header and an empty one in the query', { target: '/?access_token=' }],
];

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const elsewhere: readonly (readonly [what: string, sends: Sent])[] = [
  ['the query', { authorization: [], target: `/?access_token=${token}` }],
  ['the query, twice', { authorization: [], target: `/?access_token=${token}&access_token=b` }],
  ['a form', postOf(form, `access_token=${encodeURIComponent(token)}`)],
  ['the form of a GET', { ...postOf(form, `access_token=${encodeURIComponent(token)}`), method: 'GET' }],
  ['a JSON body', postOf({ 'Content-Type': 'application/json' }, JSON.stringify({ access_token: token }))],
  [
    'a multipart body',
    postOf(
      { 'Content-Type': 'multipart/form-data; boundary=b' },
      `--b\r\nContent-Disposition: form-data; name="access_token"\r\n\r\n${token}\r\n--b--\r\n`,
    ),
  ],
  ['a cookie', { authorization: [], fields: [['Cookie', `access_token=${token}`]] }],
  ['a header of another name', { authorization: [], fields: [['X-Access-Token', token]] }],
];

/** Which credentials are read out of a request (RFC 6750 §2). */
export const credentialCases = [
  ...withoutToken.map(([what, sends]) =>
    row(`${what}: 401 without an error code, nobody is asked`, {
      sends,
      gets: refused.withoutToken,
      calls: 0,
    }),
  ),
  ...elsewhere.map(([where, sends]) =>
    row(`a token in ${where} is ignored`, { sends, gets: refused.withoutToken, calls: 0 }),
  ),
  ...malformed.map(([what, sends]) =>
    row(`${what}: 400, nobody is asked`, { sends, gets: refused.malformed, calls: 0 }),
  ),
  ...[...illegal].map((character) =>
    row(`a token with ${character} in it: 400, nobody is asked`, {
      sends: `Bearer a${character}b`,
      gets: refused.malformed,
      calls: 0,
    }),
  ),
  ...severalTokens.map(([what, sends]) =>
    row(`${what}: 400, nobody is asked`, { sends, gets: refused.severalTokens, calls: 0 }),
  ),
  ...accepted.map(([what, sends]) =>
    scene(`${what}: the token is taken as it is`, {}, async ({ passes, askedFor }) => {
      await passes(sends);
      askedFor(token);
    }),
  ),
  ...['-', '.', '_', '~', '+', '/', '=', '=='].map((characters) =>
    scene(
      `a token ending in ${characters} is introspected byte for byte`,
      {},
      async ({ passes, askedFor }) => {
        await passes(`Bearer CANARYtoken${characters}`);
        askedFor(`CANARYtoken${characters}`);
      },
    ),
  ),
  scene(
    'a token of every legal character is introspected byte for byte',
    {},
    async ({ passes, askedFor }) => {
      await passes(`Bearer ${everyLegalCharacter}`);
      askedFor(everyLegalCharacter);
    },
  ),
  scene('a token of 4096 characters is introspected', {}, async ({ passes, askedFor }) => {
    await passes(`Bearer ${longest}`);
    askedFor(longest);
  }),
  row('a token of 4097 characters: 400, nobody is asked', {
    sends: `Bearer ${longest}x`,
    gets: refused.tooLong,
    calls: 0,
  }),
  row('a token longer than maxTokenLength: 400, nobody is asked', {
    client: { maxTokenLength: token.length - 1 },
    gets: refused.tooLong,
    calls: 0,
  }),
  row('a token in a form beside the one in the header is ignored', {
    sends: { ...postOf(form, 'access_token=other'), authorization: `Bearer ${token}` },
  }),
  scene('a JWT is introspected like any other token', {}, async ({ passes, askedFor }) => {
    const presented = await signJwt(goodClaims);
    await passes(`Bearer ${presented}`);
    askedFor(presented);
  }),
  scene(
    'a JWT that the server calls inactive is not passed through',
    { says: noContent() },
    async (stage) => {
      await stage.refuses(refused.inactive, `Bearer ${await signJwt(goodClaims)}`);
      stage.asked(1);
    },
  ),
  row('an unsigned JWT is not passed through', {
    sends: `Bearer ${unsignedJwt({ alg: 'none' }, goodClaims)}`,
    says: noContent(),
    gets: refused.inactive,
  }),
];

function postOf(headers: Readonly<Record<string, string>>, body: string): Exclude<Sent, string> {
  return { method: 'POST', authorization: [], fields: Object.entries(headers), body };
}
