import type { Reply } from './raw-upstream.js';

const say =
  (...pieces: readonly string[]): Reply =>
  (socket) => {
    for (const piece of pieces) socket.write(piece, 'latin1');
  };
/** The same, and then the end of the connection. */
const sayAndEnd =
  (...pieces: readonly string[]): Reply =>
  (socket) => {
    for (const piece of pieces) socket.write(piece, 'latin1');
    socket.end();
  };
const head = (line: string, ...fields: readonly string[]) =>
  `HTTP/1.1 ${[line, ...fields, '', ''].join('\r\n')}`;
const plain = (...fields: readonly string[]) => say(`${head('200 OK', ...fields, 'Content-Length: 2')}hi`);
const chunked = (body: string, ...fields: readonly string[]) =>
  say(head('200 OK', 'Transfer-Encoding: chunked', ...fields) + body);
const medium = 'x'.repeat(40_000);
const large = 'x'.repeat(300_000);

/** Answers that a client can be given, the last segment of the path with each. */
export const orderly: Readonly<Record<string, Reply>> = {
  'a-length': plain(),
  'another-status': say(`${head('207 Quite Odd', 'Content-Length: 2')}hi`),
  'no-reason': say(`${head('200 ', 'Content-Length: 2')}hi`),
  'no-reason-and-no-space': say(`${head('200', 'Content-Length: 2')}hi`),
  'a-reason-in-iso-8859-1': say(`${head('200 D\xe9j\xe0', 'Content-Length: 2')}hi`),
  'a-reason-in-utf-8': say(`${head('200 \xe6\x88\x90', 'Content-Length: 2')}hi`),
  'a-reason-with-a-control-character': say(`${head('200 a\x01b', 'Content-Length: 2')}hi`),
  'an-unknown-status': say(`${head('299 Fine', 'Content-Length: 2')}hi`),
  'a-large-body': say(head('200 OK', `Content-Length: ${large.length}`) + large),
  'a-medium-body': say(`${head('200 OK', `Content-Length: ${medium.length}`)}${medium}`),
  'a-medium-chunk': chunked(`${medium.length.toString(16)}\r\n${medium}\r\n0\r\n\r\n`),
  'a-body-in-bytes': say(head('200 OK', 'Content-Length: 4'), 'a', '\xff', '\0', '\n'),
  'an-empty-body': say(head('200 OK', 'Content-Length: 0')),
  // but for its first line: where that comes in pieces, undici takes the last one for the reason
  'a-head-in-bytes': say('HTTP/1.1 200 OK\r\n', ...'X-A: 1\r\nContent-Length: 2\r\n\r\nhi'),
  'repeated-fields': plain(
    'Set-Cookie: a=1; Path=/',
    'Set-Cookie: b=2',
    'set-cookie: a=1',
    'Vary: a',
    'Vary: b',
  ),
  'odd-fields': plain('X-Empty:', 'X-Spaces: \t a  b ', 'X-Obs: caf\xe9', "!#$%&'*+-.^_`|~: 1", 'x_y: 1'),
  'no-space-before-values': plain('X-A:1', 'Server:odd'),
  'hop-by-hop-fields': plain(
    'Connection: keep-alive',
    'Keep-Alive: timeout=9',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: close',
    'TE: trailers',
    'Upgrade: h2c',
  ),
  'nominated-fields': plain('Connection: X-Secret, keep-alive', 'X-Secret: 1', 'X-Public: 1'),
  'a-nominated-set-cookie': plain('Connection: set-cookie', 'Set-Cookie: a=1', 'X-Public: 1'),
  'a-nominated-length': plain('Connection: content-length'),
  'a-nominated-type': plain('Connection: content-type', 'Content-Type: text/plain'),
  'two-connections': plain('Connection: x-a', 'Connection: x-b', 'X-A: 1', 'X-B: 1', 'X-C: 1'),
  close: sayAndEnd(`${head('200 OK', 'Connection: close', 'Content-Length: 2')}hi`),
  'its-own-date': plain('Date: Mon, 01 Jan 2024 00:00:00 GMT'),
  'what-looks-like-a-date': plain('X-Date: 1', 'Update: 2'),
  'an-authorization': plain('Authorization: Bearer upstream', 'WWW-Authenticate: Basic realm="up"'),
  chunks: chunked('2\r\nhi\r\n5\r\nthere\r\n0\r\n\r\n'),
  'chunks-in-bytes': say(
    head('200 OK', 'Transfer-Encoding: chunked'),
    ...'2\r\nhi\r\n5\r\nthere\r\n0\r\n\r\n',
  ),
  'large-chunks': chunked(`${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`),
  'no-chunks': chunked('0\r\n\r\n'),
  'chunk-extensions': chunked('2;a=b\r\nhi\r\n0;c\r\n\r\n'),
  'chunk-sizes-with-zeros': chunked('0002\r\nhi\r\n000\r\n\r\n'),
  trailers: chunked('2\r\nhi\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\n\r\n', 'Trailer: X-Sum'),
  'forbidden-trailers': chunked('2\r\nhi\r\n0\r\nSet-Cookie: a=1\r\nAuthorization: x\r\nX-Sum: 7\r\n\r\n'),
  'until-the-end': sayAndEnd(`${head('200 OK')}hi`, ' there'),
  'until-the-end-in-http-1.0': sayAndEnd('HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nhi'),
  'http-1.0': sayAndEnd('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
  'empty-until-the-end': sayAndEnd(head('200 OK')),
  '204': say(head('204 No Content', 'X-A: 1')),
  '204-with-a-length': say(head('204 No Content', 'Content-Length: 0')),
  '304': say(head('304 Not Modified', 'ETag: "a"')),
  '304-with-a-length': say(head('304 Not Modified', 'ETag: "a"', 'Content-Length: 5')),
  'hints-before': say(
    `${head('103 Early Hints', 'Link: </a>')}${head('103 Early Hints', 'Link: </b>')}${head('200 OK', 'Content-Length: 2')}hi`,
  ),
  '102-before-chunks': say(
    head('102 Processing') + head('200 OK', 'Transfer-Encoding: chunked'),
    '2\r\nhi\r\n0\r\n\r\n',
  ),
  '301': say(head('301 Moved Permanently', 'Location: /api/elsewhere', 'Content-Length: 0')),
  '302-to-elsewhere': say(head('302 Found', 'Location: http://elsewhere.example/', 'Content-Length: 0')),
  '307': say(head('307 Temporary Redirect', 'Location: /api/elsewhere', 'Content-Length: 0')),
  '401': say(
    `${head('401 Unauthorized', 'WWW-Authenticate: Bearer realm="up", error="invalid_token"', 'Content-Length: 2')}no`,
  ),
  '403': say(`${head('403 Forbidden', 'Content-Length: 2')}no`),
  '404': say(`${head('404 Not Found', 'Content-Type: text/plain', 'Content-Length: 2')}no`),
  '429': say(head('429 Too Many Requests', 'Retry-After: 7', 'Content-Length: 0')),
  '500': say(`${head('500 Internal Server Error', 'Content-Length: 2')}no`),
  '503': say(head('503 Service Unavailable', 'Retry-After: 7', 'Content-Length: 0')),
  'a-very-large-head': plain(`X-Large: ${'x'.repeat(50_000)}`),
  'a-large-head': plain(...Array.from({ length: 60 }, (_, index) => `X-${index}: ${'x'.repeat(200)}`)),
};

/** Answers that are none: 502. */
export const malformed: Readonly<Record<string, Reply>> = {
  'a-reset': (socket) => socket.resetAndDestroy(),
  'a-close': (socket) => socket.end(),
  'half-a-head': sayAndEnd('HTTP/1.1 200 OK\r\nContent-Le'),
  'an-interim-answer-only': sayAndEnd(head('100 Continue')),
  'another-protocol': sayAndEnd('SSH-2.0-OpenSSH_9.6\r\n\r\n'),
  html: sayAndEnd('<!doctype html>\r\n\r\n'),
  'a-bad-version': sayAndEnd(`HTTP/3.1 200 OK\r\nContent-Length: 2\r\n\r\nhi`),
  'a-bad-status': sayAndEnd(`${head('20 OK', 'Content-Length: 2')}hi`),
  'a-status-that-is-no-number': sayAndEnd(`${head('2xx OK', 'Content-Length: 2')}hi`),
  'a-length-in-words': sayAndEnd(`${head('200 OK', 'Content-Length: two')}hi`),
  'a-negative-length': sayAndEnd(`${head('200 OK', 'Content-Length: -2')}hi`),
  'two-lengths': sayAndEnd(`${head('200 OK', 'Content-Length: 2', 'Content-Length: 3')}hi!`),
  'length-and-chunks': sayAndEnd(
    `${head('200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked')}2\r\nhi\r\n0\r\n\r\n`,
  ),
  'a-field-without-a-colon': sayAndEnd(`${head('200 OK', 'X-Odd', 'Content-Length: 2')}hi`),
  'a-space-in-a-name': sayAndEnd(`${head('200 OK', 'X Odd: 1', 'Content-Length: 2')}hi`),
  'a-bare-cr': sayAndEnd(`${head('200 OK', 'X-Odd: 1\rX-Other: 2', 'Content-Length: 2')}hi`),
  nul: sayAndEnd(`${head('200 OK', 'X-Odd: a\0b', 'Content-Length: 2')}hi`),
  'a-control-character': sayAndEnd(`${head('200 OK', 'X-Odd: a\x01b', 'Content-Length: 2')}hi`),
  del: sayAndEnd(`${head('200 OK', 'X-Odd: a\x7fb', 'Content-Length: 2')}hi`),
  'a-control-character-for-this-hop': sayAndEnd(
    `${head('200 OK', 'Keep-Alive: a\x01b', 'Content-Length: 2')}hi`,
  ),
  'a-folded-line': sayAndEnd(`${head('200 OK', 'X-Odd: a', ' b', 'Content-Length: 2')}hi`),
  'bare-lf': say('HTTP/1.1 200 OK\nContent-Length: 2\n\nhi'),
  'a-bare-lf': say('HTTP/1.1 200 OK\r\nX-Odd: 1\nContent-Length: 2\r\n\r\nhi'),
  'two-lengths-that-agree': sayAndEnd(`${head('200 OK', 'Content-Length: 2', 'Content-Length: 2')}hi`),
  'another-coding-and-chunks': sayAndEnd(
    `${head('200 OK', 'Transfer-Encoding: gzip, chunked')}2\r\nhi\r\n0\r\n\r\n`,
  ),
  'another-coding': sayAndEnd(`${head('200 OK', 'Transfer-Encoding: gzip')}hi`),
  'a-head-beyond-the-limit': sayAndEnd(`${head('200 OK', `X-Large: ${'x'.repeat(70_000)}`)}hi`),
  'another-protocol-unasked': sayAndEnd(
    head('101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket'),
  ),
};

/** Answers that begin well: what is missing shows in a broken connection only. */
export const cutShort: Readonly<Record<string, Reply>> = {
  'less-than-stated': sayAndEnd(`${head('200 OK', 'Content-Length: 10')}half`),
  'half-the-chunks': sayAndEnd(head('200 OK', 'Transfer-Encoding: chunked'), '4\r\nhalf\r\n'),
  'half-a-chunk': sayAndEnd(head('200 OK', 'Transfer-Encoding: chunked'), '8\r\nhalf'),
  'a-chunk-without-a-size': sayAndEnd(head('200 OK', 'Transfer-Encoding: chunked'), '4\r\nhalf\r\nxyz\r\n'),
  'a-chunk-that-is-too-long': sayAndEnd(
    head('200 OK', 'Transfer-Encoding: chunked'),
    '4\r\nhalfx\r\n0\r\n\r\n',
  ),
  'no-end-of-the-trailers': sayAndEnd(
    head('200 OK', 'Transfer-Encoding: chunked'),
    '4\r\nhalf\r\n0\r\nX-Sum: 1\r\n',
  ),
};

/** Says nothing. */
export const silent: Reply = () => {};
/** Says half of it, and no more. */
export const stalled: Reply = say(`${head('200 OK', 'Content-Length: 10')}half`);
