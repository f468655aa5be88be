import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningGateway, startGateway } from './gateway.js';
import { exchange, format } from './raw.js';
import { type RawUpstream, startRawUpstream } from './raw-upstream.js';
import { admin, listen, startAuthorizationServer } from './stage.js';

const token = 'Authorization: Bearer opaque';
const handshake = ['Connection: Upgrade', 'Upgrade: websocket'];
const preflight = ['Origin: https://app.example', 'Access-Control-Request-Method: GET'];

let upstream: RawUpstream;
let gateway: RunningGateway;
let seenBefore = 0;

beforeAll(async () => {
  upstream = await startRawUpstream(new Map());
  const { introspection } = await startAuthorizationServer();
  const routes = [
    { path: '/api', upstream: upstream.url },
    { path: '/open', upstream: upstream.url, auth: 'none' },
  ];
  gateway = await startGateway({ listen, admin, introspection, routes });
});
beforeEach(() => {
  seenBefore = upstream.seen.length;
});

describe('a request to change the protocol', () => {
  it.each([
    ['a preflight without a token', format('OPTIONS', '/api/x', [...preflight, ...handshake])],
    ['POST', format('POST', '/api/x', [token, ...handshake])],
    ['POST with a body', format('POST', '/api/x', [token, ...handshake, 'Content-Length: 5'], 'hello')],
    ['HEAD', format('HEAD', '/api/x', [token, ...handshake])],
    ['DELETE on a route that needs no token', format('DELETE', '/open/x', handshake)],
    ['GET with a body', format('GET', '/api/x', [token, ...handshake, 'Content-Length: 5'], 'hello')],
    [
      'GET with chunks',
      format('GET', '/api/x', [token, ...handshake, 'Transfer-Encoding: chunked'], '2\r\nhi\r\n0\r\n\r\n'),
    ],
  ])('is refused, and reaches no upstream, when it is %s', async (_what, bytes) => {
    const answer = await exchange(gateway.url, bytes);
    expect(answer?.status).toBe(400);
    expect(answer?.header('Connection')).toBe('close');
    expect(upstream.seen.slice(seenBefore)).toEqual([]);
  });

  it('is forwarded when it is GET', async () => {
    expect((await exchange(gateway.url, format('GET', '/api/x', [token, ...handshake])))?.status).toBe(200);
    expect(upstream.seen.slice(seenBefore).map(({ method }) => method)).toEqual(['GET']);
  });
});
