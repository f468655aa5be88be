import { sendBytes } from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { startMirror, startProxy } from './servers.js';

const handshake = 'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

describe('an upgrade', () => {
  it.each([
    ['OPTIONS', `OPTIONS / HTTP/1.1\r\n${handshake}\r\n`],
    ['POST', `POST / HTTP/1.1\r\n${handshake}Content-Length: 5\r\n\r\nhello`],
    ['GET with a body', `GET / HTTP/1.1\r\n${handshake}Content-Length: 5\r\n\r\nhello`],
  ])('is refused when it is %s', async (_what, bytes) => {
    const mirror = await startMirror();
    const onOutcome = vi.fn();
    const proxy = await startProxy({ upstream: mirror.url }, { onOutcome });
    const exchange = sendBytes(proxy.url, bytes);
    expect((await exchange.response).status).toBe(400);
    await exchange.closed;
    expect(mirror.open()).toBe(0);
    expect(onOutcome.mock.calls).toMatchObject([[{ status: 400, error: 'ERR_UPGRADE_METHOD' }]]);
  });
});
