import { format } from './raw.js';

const token = 'Authorization: Bearer attacker';
const smuggled =
  'GET /api/smuggled HTTP/1.1\r\nHost: gateway.example\r\nAuthorization: Bearer attacker\r\n\r\n';
const withFields = (fields: readonly string[], body = '') =>
  format('POST', '/api/attack', [token, ...fields], body);
const chunked = (body: string) => withFields(['Transfer-Encoding: chunked'], body);
const lines = (...them: readonly string[]) => `${[...them, token].join('\r\n')}\r\n\r\n`;
const host = 'Host: gateway.example';

type Case = readonly [what: string, bytes: string];

/**
 * Requests that servers read differently: they disagree on where one ends, on whom it is for, or on what it is. All are for
 * `/api/attack`, or smuggle one for `/api/smuggled`, with the token `attacker`.
 */
export const doubtful: readonly Case[] = [
  [
    'both Content-Length and Transfer-Encoding',
    withFields(['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`),
  ],
  [
    'both Transfer-Encoding and Content-Length',
    withFields(['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${smuggled}`),
  ],
  [
    'two Content-Length that differ',
    withFields(['Content-Length: 0', `Content-Length: ${smuggled.length}`], smuggled),
  ],
  ['two Content-Length that agree', withFields(['Content-Length: 5', 'content-length: 5'], 'hello')],
  ['a list of lengths', withFields(['Content-Length: 1, 1'], 'x')],
  ['a length with a plus sign', withFields(['Content-Length: +5'], 'hello')],
  ['a negative length', withFields(['Content-Length: -5'], 'hello')],
  ['a length in hexadecimal', withFields(['Content-Length: 0x5'], 'hello')],
  ['a length with a fraction', withFields(['Content-Length: 5.0'], 'hello')],
  ['a length in words', withFields(['Content-Length: five'], 'hello')],
  ['an empty length', withFields(['Content-Length:'], 'hello')],
  ['a length beyond all numbers', withFields(['Content-Length: 18446744073709551621'], 'hello')],
  ['a space before the colon of Content-Length', withFields(['Content-Length : 5'], 'hello')],
  [
    'a space before the colon of Transfer-Encoding',
    withFields(['Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled}`),
  ],
  [
    'a tab before the colon of Transfer-Encoding',
    withFields(['Transfer-Encoding\t: chunked'], `0\r\n\r\n${smuggled}`),
  ],
  ['a space before the colon of any field', withFields(['X-Odd : 1'])],
  ['the transfer coding xchunked', withFields(['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`)],
  ['the transfer coding identity', withFields(['Transfer-Encoding: identity'])],
  ['a transfer coding beside chunked', withFields(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')],
  [
    'chunked before another transfer coding',
    withFields(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
  ],
  ['chunked twice', withFields(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n')],
  [
    'two Transfer-Encoding',
    withFields(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'),
  ],
  ['chunked in quotes', withFields(['Transfer-Encoding: "chunked"'], '0\r\n\r\n')],
  ['chunked with a parameter', withFields(['Transfer-Encoding: chunked;q=1'], '0\r\n\r\n')],
  ['chunked after a vertical tab', withFields(['Transfer-Encoding: \vchunked'], '0\r\n\r\n')],
  ['an empty Transfer-Encoding', withFields(['Transfer-Encoding:'])],
  [
    'chunks in HTTP/1.0',
    `POST /api/attack HTTP/1.0\r\n${lines(host, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ],
  ['a chunk extension', chunked('5;a=b\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size that is no number', chunked('xyz\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size with 0x', chunked('0x5\r\nhello\r\n0\r\n\r\n')],
  ['a negative chunk size', chunked('-5\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size with a plus sign', chunked('+5\r\nhello\r\n0\r\n\r\n')],
  ['a space before a chunk size', chunked(' 5\r\nhello\r\n0\r\n\r\n')],
  ['a space behind a chunk size', chunked('5 \r\nhello\r\n0\r\n\r\n')],
  ['an empty chunk size', chunked('\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size beyond all numbers', chunked('10000000000000005\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size that ends with a bare LF', chunked('5\nhello\r\n0\r\n\r\n')],
  ['a chunk that is longer than it says', chunked(`3\r\nhello\r\n0\r\n\r\n`)],
  ['a chunk that ends with a bare LF', chunked('5\r\nhello\n0\r\n\r\n')],
  ['a trailer without a colon', chunked('0\r\nX-Odd\r\n\r\n')],
  ['a trailer that is folded', chunked('0\r\nX-Odd: 1\r\n 2\r\n\r\n')],
  ['a trailer with a bare LF', chunked('0\r\nX-Odd: 1\nX-Other: 2\r\n\r\n')],
  ['a folded line', withFields(['X-Odd: 1', ' 2'])],
  ['a line folded with a tab', withFields(['X-Odd: 1', '\t2'])],
  ['a space before the first field', lines('GET /api/attack HTTP/1.1', ` ${host}`)],
  ['a folded Transfer-Encoding', withFields(['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${smuggled}`)],
  ['a bare CR in a field', withFields(['X-Odd: 1\rX-Other: 2'])],
  ['a bare CR before a line end', withFields(['X-Odd: 1\r'])],
  ['a bare LF between fields', withFields(['X-Odd: 1\nX-Other: 2'])],
  ['bare LF only', `GET /api/attack HTTP/1.1\n${host}\n${token}\n\n`],
  ['a bare LF before the end of the head', `GET /api/attack HTTP/1.1\r\n${host}\r\n${token}\n\r\n`],
  ['NUL in a value', withFields(['X-Odd: a\0b'])],
  ['NUL in a name', withFields(['X-\0Odd: 1'])],
  ['a field without a name', withFields([': 1'])],
  ['a field without a colon', withFields(['X-Odd'])],
  ['a name with a parenthesis', withFields(['X(Odd): 1'])],
  ['a name outside of ASCII', withFields(['X-\xe9: 1'])],
  ['a control character in a value', withFields(['X-Odd: a\x01b'])],
  ['two Host', lines('GET /api/attack HTTP/1.1', host, 'Host: other.example')],
  ['two Host that agree', lines('GET /api/attack HTTP/1.1', host, host)],
  ['no Host', lines('GET /api/attack HTTP/1.1')],
  ['a Host with a space', lines('GET /api/attack HTTP/1.1', 'Host: gateway.example other.example')],
  ['a Host with a path', lines('GET /api/attack HTTP/1.1', 'Host: gateway.example/other')],
  ['a Host with credentials', lines('GET /api/attack HTTP/1.1', 'Host: user@gateway.example')],
  ['a list of hosts', lines('GET /api/attack HTTP/1.1', 'Host: gateway.example, other.example')],
  ['a Host with a port that is none', lines('GET /api/attack HTTP/1.1', 'Host: gateway.example:http')],
  ['a request line that says HTTP/0.9', lines('GET /api/attack HTTP/0.9', host)],
  ['a request line without a version', 'GET /api/attack\r\n\r\n'],
  ['a request line that says HTTP/2.0', lines('GET /api/attack HTTP/2.0', host)],
  ['a request line that says HTTP/1.2', lines('GET /api/attack HTTP/1.2', host)],
  ['a request line that says HTTP/3', lines('GET /api/attack HTTP/3', host)],
  ['a request line that says http/1.1', lines('GET /api/attack http/1.1', host)],
  ['a version with more digits', lines('GET /api/attack HTTP/1.10', host)],
  ['another protocol', lines('GET /api/attack ICE/1.0', host)],
  ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['two spaces before the target', lines('GET  /api/attack HTTP/1.1', host)],
  ['two spaces behind the target', lines('GET /api/attack  HTTP/1.1', host)],
  ['a tab in the request line', lines('GET\t/api/attack HTTP/1.1', host)],
  ['a space in the target', lines('GET /api/attack x HTTP/1.1', host)],
  ['a space before the method', lines(' GET /api/attack HTTP/1.1', host)],
  ['a space behind the version', lines('GET /api/attack HTTP/1.1 ', host)],
  ['a bare CR in the request line', lines('GET /api/attack\rx HTTP/1.1', host)],
  ['NUL in the target', lines('GET /api/att\0ack HTTP/1.1', host)],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
];
