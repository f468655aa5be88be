import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { sendBytes } from '@phantom-token/conformance';
import { describe, expect, it, vi } from 'vitest';
import { startRaw } from './raw-servers.js';
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

const shake = `GET / HTTP/1.1\r\n${handshake}\r\n`;

describe('an upgrade that the upstream declines', () => {
  it('has the fields that are ours in its answer', async () => {
    const mirror = await startMirror();
    const proxy = await startProxy({ upstream: mirror.url }, { responseFields: ['DPoP-Nonce', 'next'] });
    const response = await sendBytes(proxy.url, shake).response;
    expect(response.status).toBe(200);
    expect(response.header('DPoP-Nonce')).toBe('next');
  });

  it('takes no more of the answer than the client reads', async () => {
    const size = 200_000_000;
    let given = 0;
    const upstream = await startRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = Buffer.alloc(1_000_000);
      const go = () => {
        while (given < size) {
          given += piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on('drain', go);
      go();
    });
    const proxy = await startProxy({ upstream });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.write(shake);
    await once(client, 'readable');
    // as long as anything moves
    for (let before = -1; before !== given; ) {
      before = given;
      await setTimeout(500);
    }
    expect(given).toBeLessThan(100_000_000);
    client.on('data', () => {});
    await expect.poll(() => given).toBe(size);
    client.destroy();
  });

  it('is reported as 499 where the client left first', async () => {
    const upstream = await startRaw(() => client.destroy());
    const onOutcome = vi.fn();
    const proxy = await startProxy({ upstream }, { onOutcome });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.write(shake);
    await expect.poll(() => onOutcome.mock.calls).toMatchObject([[{ status: 499 }]]);
  });
});

describe('an upgraded connection', () => {
  it('gives a slow client all that the upstream said before it left', async () => {
    const upstream = await startRaw((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      setImmediate(() => socket.end(Buffer.alloc(20_000_000, 'x')));
    });
    const proxy = await startProxy({ upstream }, { responseFields: ['DPoP-Nonce', 'next'] });
    const client = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    client.write(shake);
    const [head] = await once(client, 'data');
    expect(String(head)).toMatch(/DPoP-Nonce: next\r\n/);
    let received = String(head).replace(/^.*\r\n\r\n/s, '').length;
    client.pause();
    await setTimeout(500);
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    client.resume();
    await once(client, 'close');
    expect(received).toBe(20_000_000);
  });
});
