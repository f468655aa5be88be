import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { noContent } from '@phantom-token/conformance';
import { describe, expect, it } from 'vitest';
import { startGateway } from './gateway.js';
import { format, openConnection } from './raw.js';
import { admin, listen, startAuthorizationServer, startUpstream } from './stage.js';

const authorization = 'Bearer token';

async function start(more: object = {}) {
  const received: string[] = [];
  const upstream = await startUpstream((asked, response) => {
    text(asked).then(
      (body) => {
        received.push(body);
        response.end(body);
      },
      () => received.push('broken off'),
    );
  });
  const { introspection, server } = await startAuthorizationServer();
  const routes = [{ path: '/', upstream: upstream.url }];
  const gateway = await startGateway({ listen, admin, introspection, routes, ...more });
  return { gateway, upstream, server, received };
}

/** Asks before it sends (RFC 9110 §10.1.1). `continued`: whether it was told to go on. */
async function askFirst(url: string, headers: Record<string, string>, body: string) {
  const upload = request(url, { method: 'POST', headers: { ...headers, Expect: '100-continue' } });
  let continued = false;
  upload.on('continue', () => {
    continued = true;
    upload.end(body);
  });
  upload.flushHeaders();
  const [answer] = await once(upload, 'response');
  const received = { status: answer.statusCode, body: await text(answer), continued };
  upload.destroy();
  return received;
}

describe.each([true, false])(
  'a client that asks before it sends its body, with %s for fastLane',
  (fastLane) => {
    it('is told to go on with a good token, and its body arrives', async () => {
      const { gateway, received } = await start({ fastLane });
      const answer = await askFirst(gateway.url, { authorization }, 'body');
      expect(answer).toEqual({ status: 200, body: 'body', continued: true });
      expect(received).toEqual(['body']);
    });

    it('is told so too where it states a length', async () => {
      const { gateway } = await start({ fastLane });
      const answer = await askFirst(gateway.url, { authorization, 'Content-Length': '4' }, 'body');
      expect(answer).toEqual({ status: 200, body: 'body', continued: true });
    });

    it.each([
      ['no token', {}],
      ['a bad token', { authorization }],
    ])('is refused with %s before it sent anything', async (_title, headers: Record<string, string>) => {
      const { gateway, server, upstream } = await start({ fastLane });
      server.answer(noContent());
      const { status, continued } = await askFirst(gateway.url, headers, 'body');
      expect([status, continued]).toEqual([401, false]);
      expect(upstream.requests).toHaveLength(0);
    });

    it('is refused before it sent anything where it announces too much', async () => {
      const { gateway, upstream } = await start({ fastLane, limits: { maxRequestBytes: 10 } });
      const { status, continued } = await askFirst(
        gateway.url,
        { authorization, 'Content-Length': '11' },
        'x'.repeat(11),
      );
      expect([status, continued]).toEqual([413, false]);
      expect(upstream.requests).toHaveLength(0);
    });
  },
);

describe('a body', () => {
  const limits = { maxRequestBytes: 100_000 };

  it.each([
    ['its length', ['Content-Length: 100000'], 'x'.repeat(100_000)],
    ['chunks', ['Transfer-Encoding: chunked'], `186a0\r\n${'x'.repeat(100_000)}\r\n0\r\n\r\n`],
  ])('of maxRequestBytes passes, with %s', async (_title, fields, body) => {
    const { gateway, received } = await start({ limits });
    const connection = openConnection(gateway.url);
    connection.send(format('POST', '/', [`Authorization: ${authorization}`, ...fields], body));
    expect((await connection.answer())?.status).toBe(200);
    expect(received.map(({ length }) => length)).toEqual([100_000]);
    connection.destroy();
  });

  it('that announces more than maxRequestBytes is refused before it comes, and the connection ends', async () => {
    const { gateway, upstream } = await start({ limits });
    const connection = openConnection(gateway.url);
    connection.send(format('POST', '/', [`Authorization: ${authorization}`, 'Content-Length: 100001']));
    const answer = await connection.answer();
    expect([answer?.status, answer?.header('connection')]).toEqual([413, 'close']);
    expect(upstream.requests).toHaveLength(0);
    connection.end();
    await connection.closed;
  });

  it('that turns out to be more than maxRequestBytes is refused, and the upstream is told that it broke off', async () => {
    const { gateway, received } = await start({ limits });
    const connection = openConnection(gateway.url);
    const chunk = `186a0\r\n${'x'.repeat(100_000)}\r\n`;
    connection.send(
      format('POST', '/', [`Authorization: ${authorization}`, 'Transfer-Encoding: chunked'], chunk),
    );
    connection.send('1\r\nx\r\n');
    const answer = await connection.answer();
    expect([answer?.status, answer?.header('connection')]).toEqual([413, 'close']);
    await expect.poll(() => received).toEqual(['broken off']);
    connection.destroy();
  });

  it('that is too large is a refusal in log and metrics, and no failure of the upstream', async () => {
    const { gateway } = await start({ limits });
    const connection = openConnection(gateway.url);
    connection.send(format('POST', '/', [`Authorization: ${authorization}`, 'Content-Length: 100001']));
    await connection.answer();
    connection.destroy();
    expect(await gateway.logged('refused')).toMatchObject({ code: 'ERR_TOO_LARGE', status: 413, route: '/' });
    const metrics = await gateway.metrics();
    expect(metrics).toMatch(/^phantom_token_refusals_total\{code="ERR_TOO_LARGE"\} 1$/m);
    expect(metrics).not.toMatch(/^phantom_token_upstream_errors_total\{/m);
  });
});
