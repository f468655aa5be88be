import { activeJson, jwt, jwtType, noContent, reply, signed, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { row, scene } from '../case-forms.js';
import { startAt } from '../clock.js';
import { refused, unknown } from '../expected-answers.js';
import { redirect } from '../faults.js';

const { unreliable, timedOut, busy } = unknown;
const good = signed();

const httpDate = (secondsAhead: number) => new Date((startAt + secondsAhead) * 1000).toUTCString();

const waits: readonly (readonly [retryAfter: string | undefined, seconds: number])[] = [
  [undefined, 1],
  ['', 1],
  ['0', 1],
  ['7', 7],
  ['60', 60],
  ['61', 60],
  ['1000000000000', 60],
  ['9'.repeat(400), 60],
  ['-5', 1],
  ['7.5', 1],
  ['soon', 1],
  ['7 s', 1],
  ['until 2094', 1],
  [httpDate(30), 30],
  [httpDate(-30), 1],
  [httpDate(86_400), 60],
];

/** An error answer that quotes whatever it can. */
const chatty = (code: number) =>
  reply(
    code,
    {
      'Content-Type': 'text/html',
      'WWW-Authenticate': 'Basic realm="the authorization server"',
      'X-Error': canaries.token,
    },
    `<script>alert("${canaries.token}")</script>\r\nSet-Cookie: a=b`,
  );

const named = (retryAfter: string | undefined) =>
  retryAfter === undefined ? 'missing' : JSON.stringify(retryAfter.slice(0, 40));

/** Statuses other than 200 (RFC 7662 §2.3). A body that would pass is with them where there may be one. */
export const statusCases = [
  ...[201, 202, 203, 206, 300, 304, 400, 401, 403, 404, 405, 415, 418, 500, 501, 502, 505, 507, 599].map(
    (code) =>
      row(`status ${code}: 502`, { says: reply(code, jwtType, code === 304 ? '' : good), gets: unreliable }),
  ),
  row('status 504: 504', { says: reply(504, jwtType, good), gets: timedOut }),
  row('status 204 where JSON was asked for: 502', {
    client: { accept: 'application/json' },
    says: noContent(),
    gets: unreliable,
  }),
  row('status 400 is inactive with badRequestMeansInactive', {
    client: { badRequestMeansInactive: true },
    says: status(400),
    gets: refused.inactive,
  }),
  ...[429, 503].flatMap((code) =>
    waits.map(([retryAfter, seconds]) =>
      row(`status ${code} with Retry-After ${named(retryAfter)}: 503, wait ${seconds} s`, {
        says: reply(code, { ...jwtType, 'Retry-After': retryAfter }, good),
        gets: busy(seconds),
      }),
    ),
  ),
  ...[400, 401, 403, 500].map((code) =>
    row(`nothing that the server says beside status ${code} reaches the client`, {
      says: chatty(code),
      gets: unreliable,
    }),
  ),
  scene(
    'refused credentials of ours are reported as such, at error level',
    { says: status(401) },
    async (stage) => {
      await stage.refuses(unreliable);
      const reports = stage.events.flatMap((event) => ('level' in event ? [[event.code, event.level]] : []));
      assertEqual(reports, [['ERR_CREDENTIALS_REFUSED', 'error']], 'reports');
    },
  ),
  scene(
    'refused credentials of ours are not held against the token',
    { says: status(401) },
    async (stage) => {
      await stage.refuses(unreliable);
      stage.server.answer(jwt());
      await stage.passes();
      stage.asked(2);
    },
  ),
  ...[301, 302, 303, 307, 308].map((code) =>
    scene(`status ${code} to the same host is not followed`, {}, async ({ server, refuses, asked }) => {
      server.answer(redirect(code, '/elsewhere'));
      server.answerAt('/elsewhere', jwt());
      await refuses(unreliable);
      asked(1);
      assertEqual(server.requestsTo('/elsewhere').length, 0, 'requests to the target');
    }),
  ),
  scene('a redirect to another host is not followed', {}, async ({ server, refuses }) => {
    server.answer(redirect(307, `${server.origin.replace('127.0.0.1', 'localhost')}/elsewhere`));
    server.answerAt('/elsewhere', jwt());
    await refuses(unreliable);
    assertEqual(server.requestsTo('/elsewhere').length, 0, 'requests to the target');
  }),
  row('a redirect to a file is not followed', {
    says: redirect(302, 'file:///etc/hostname'),
    gets: unreliable,
  }),
  row("the server's cookies go no further", {
    says: activeJson({}, undefined, { 'Set-Cookie': 'session=1' }),
  }),
];
