import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendBytes, sendRequest } from './raw-request.js';

let listener: Server;
let url: string;
let received: Buffer;
let answer: (socket: Socket) => void;

beforeEach(async () => {
  received = Buffer.alloc(0);
  answer = (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  listener = createServer((socket) => {
    socket.once('data', (chunk) => {
      received = chunk;
      answer(socket);
    });
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
});
afterEach(() => listener.close());

const answered = (text: string, { end = true } = {}) => {
  answer = (socket) => (end ? socket.end(text, 'latin1') : socket.write(text, 'latin1'));
};

describe('sendRequest', () => {
  it('writes the request line, the fields in order and the body', async () => {
    const fields = [['X-A', '1'] as const, ['X-A', '2\t3'] as const];
    await sendRequest(url, { method: 'POST', target: '/a?b', fields, body: 'abc' }).response;
    expect(received.toString()).toBe(
      `POST /a?b HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\nX-A: 1\r\nX-A: 2\t3\r\nContent-Length: 3\r\n\r\nabc`,
    );
  });

  it('states no length of its own where the fields frame the body', async () => {
    await sendRequest(url, { fields: [['content-length', '9']], body: 'abc' }).response;
    expect(received.toString()).not.toContain('Content-Length: 3');
  });

  it('shows whatever follows the head of an answer to HEAD', async () => {
    answered('HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nabc');
    expect((await sendRequest(url, { method: 'HEAD' }).response).body).toBe('abc');
    answered('HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\n');
    expect((await sendRequest(url, { method: 'HEAD' }).response).body).toBe('');
  });
});

describe('sendBytes', () => {
  it('sends a byte for each character', async () => {
    await sendBytes(url, 'a\0\xe9\xff').response;
    expect([...received]).toEqual([97, 0, 0xe9, 0xff]);
  });

  it('reads status and fields, several of one name joined', async () => {
    answered('HTTP/1.1 400 Bad Request\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n');
    const { status, header } = await sendBytes(url, 'x').response;
    expect([status, header('X-a'), header('X-B')]).toEqual([400, '1, 2', undefined]);
  });

  it.each([
    ['a stated length', 'Content-Length: 3\r\n\r\nabc'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n'],
  ])('reads a body of %s while the connection stays open', async (_what, rest) => {
    answered(`HTTP/1.1 200 OK\r\n${rest}`, { end: false });
    const exchange = sendBytes(url, 'x');
    expect((await exchange.response).body).toBe('abc');
    exchange.leave();
    await exchange.closed;
  });

  it('waits for no body after a 204', async () => {
    answered('HTTP/1.1 204 No Content\r\n\r\n', { end: false });
    const exchange = sendBytes(url, 'x');
    expect((await exchange.response).body).toBe('');
    exchange.leave();
  });

  it('reads a body without a length until the end', async () => {
    answered('HTTP/1.1 200 OK\r\n\r\nabc');
    expect((await sendBytes(url, 'x').response).body).toBe('abc');
  });

  it.each(['', 'HTTP/1.1 200 OK\r\nContent-Le', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc'])(
    'rejects when the connection ends after %j',
    async (text) => {
      answered(text);
      await expect(sendBytes(url, 'x').response).rejects.toThrow('without a complete answer');
    },
  );
});
