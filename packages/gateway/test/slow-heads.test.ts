import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { format, openConnection, type RawConnection } from './raw.js';
import { listen, startAuthorizationServer, startUpstream } from './stage.js';

const get = format('GET', '/api/x', ['Authorization: Bearer ordinary']);
const start = get.slice(0, -4);

describe.each([
  ['with', true],
  ['without', false],
])('a client that does not come to the end of its head, %s the fast lane', (_with, fastLane) => {
  it('is answered 408 in time while others are served', async () => {
    const upstream = await startUpstream();
    const { introspection } = await startAuthorizationServer();
    const { url } = await startGateway({
      listen,
      introspection,
      cache: { noExpiryTtlSeconds: 300 },
      routes: [{ path: '/api', upstream: upstream.url }],
      limits: { headersTimeoutSeconds: 1 },
      fastLane,
    });
    const silent = openConnection(url);
    const stopped = openConnection(url);
    stopped.send(start);
    const later = openConnection(url);
    later.send(get);
    expect((await later.answer())?.status).toBe(200);
    later.send(start);
    const dripping = openConnection(url);
    const drip = drippingInto(dripping);

    const other = openConnection(url);
    const expected: number[] = [];
    const waiting = Promise.all([stopped, later, dripping].map((connection) => connection.answer()));
    let isOver = false;
    void waiting.then(() => {
      isOver = true;
    });
    while (!isOver) {
      other.send(get);
      expected.push((await other.answer())?.status ?? 0);
    }
    clearInterval(drip);
    expect((await waiting).map((answer) => answer?.status)).toEqual([408, 408, 408]);
    expect(new Set(expected)).toEqual(new Set([200]));
    await Promise.all([silent, stopped, later, dripping].map(({ closed }) => closed));
    // the first of the later one, and those of the other
    expect(upstream.requests.length).toBe(1 + expected.length);
    other.destroy();
  });
});

/** A head that never ends, in small pieces: no pause is long, the whole is. */
function drippingInto(connection: RawConnection): NodeJS.Timeout {
  connection.send('GET /api/x HTTP/1.1\r\nHost: gateway.example\r\nX-Slow: ');
  return setInterval(() => connection.isOpen && connection.send('x'), 20);
}
