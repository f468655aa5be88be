import { noContent } from '../answers.js';
import { assertEqual, assertRefused } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { refused } from '../expected-answers.js';
import { type RawResponse, sendBytes } from '../raw-request.js';
import type { Stage } from '../stage.js';

const inside: readonly (readonly [what: string, bytes: string])[] = [
  ['NUL', '\0'],
  ['a control character', '\x01'],
  ['the last control character', '\x1f'],
  ['DEL', '\x7f'],
  ['a bare CR', '\r'],
  ['a bare LF', '\n'],
  ['an ISO 8859-1 letter', '\xe9'],
  ['a UTF-8 emoji', '\xf0\x9f\x98\x80'],
  ['overlong UTF-8', '\xc0\xaf'],
];

const misframed: readonly (readonly [what: string, fields: string])[] = [
  ['Content-Length beside Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
  ['two different Content-Lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
  ['a transfer coding that does not exist', 'Transfer-Encoding: xchunked\r\n'],
];

const good = `Authorization: Bearer ${canaries.token}\r\n`;

const head = (fields: string, method = 'GET') =>
  `${method} / HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n${fields}\r\n`;

/** Requests that only a hand-written client sends. */
export const wireCases = [
  ...inside.map(([what, bytes]) =>
    scene(`${what} inside a token: 400, from the HTTP parser or from us`, {}, async ({ url, asked }) => {
      const exchange = sendBytes(url, head(`Authorization: Bearer CANARYtoken${bytes}x\r\n`));
      assertBadRequest(await exchange.response);
      asked(0);
    }),
  ),
  ...misframed.map(([what, fields]) =>
    scene(`${what}: 400 and the connection is closed`, {}, async ({ url }) => {
      const exchange = sendBytes(url, `${head(good + fields, 'POST')}0\r\n\r\n`);
      assertEqual((await exchange.response).status, 400, 'status');
      await exchange.closed;
    }),
  ),
  scene('2000 headers: 431, and the next client is served', {}, async (stage) => {
    const fields = Array.from({ length: 2000 }, (_, number) => `x-header-${number}: value\r\n`).join('');
    const { status } = await sendBytes(stage.url, head(good + fields)).response;
    assertEqual(status, 431, 'status');
    stage.asked(0);
    await stage.passes();
  }),
  scene('a request without a token is refused before its body has come', {}, async (stage) => {
    await refusedEarly(stage, '', refused.withoutToken);
    stage.asked(0);
  }),
  scene('an inactive token is refused before the body has come', { says: noContent() }, async (stage) => {
    await refusedEarly(stage, good, refused.inactive);
    stage.asked(1);
  }),
];

/** From us, in our words; or from the parser, in whatever words, so long as they are not the token. */
function assertBadRequest(response: RawResponse): void {
  if (response.header('WWW-Authenticate') !== undefined) assertRefused(response, refused.malformed);
  else assertEqual([response.status, response.text.includes('CANARY')], [400, false], 'status and echo');
}

async function refusedEarly(
  { url }: Stage,
  fields: string,
  expected: typeof refused.inactive,
): Promise<void> {
  const announced = `${fields}Content-Type: application/octet-stream\r\nContent-Length: 1000000000\r\n`;
  const exchange = sendBytes(url, `${head(announced, 'POST')}${'x'.repeat(1000)}`);
  assertRefused(await exchange.response, expected);
  exchange.leave();
}
