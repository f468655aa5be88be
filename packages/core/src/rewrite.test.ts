import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAccessToken } from './access-token.js';
import { createRewrite } from './rewrite.js';

const token = createAccessToken('a.b.c', { sub: 'alice', n: 1 }, 0, 'memory');
const claimHeaders = { 'X-User': 'sub', 'X-Absent': 'absent' };

const makeMessage = () => ({
  rawHeaders: [
    ...['Host', 'h', 'authorization', 'DPoP t', 'DPoP', 'proof', 'X_USER', 'mallory'],
    ...['x.user', 'mallory', 'X-User', 'mallory', 'x-absent', 'mallory', 'Accept', '*'],
  ],
  headers: {
    host: 'h',
    authorization: 'DPoP t',
    dpop: 'proof',
    x_user: 'mallory',
    'x.user': 'mallory',
    'x-user': 'mallory',
    'x-absent': 'mallory',
    accept: '*',
  } as Record<string, string | string[] | undefined>,
});

describe("a message of Node's", () => {
  it('carries the JWT, no proof, and what the claims say in place of what the client said', () => {
    const message = makeMessage();
    createRewrite({ claimHeaders }).message(message, token);
    expect(message).toEqual({
      rawHeaders: ['Host', 'h', 'authorization', 'Bearer a.b.c', 'Accept', '*', 'X-User', 'alice'],
      headers: { host: 'h', authorization: 'Bearer a.b.c', accept: '*', 'x-user': 'alice' },
    });
  });

  it('keeps its Authorization and its proof where told so, not its claims', () => {
    const message = makeMessage();
    createRewrite({ replaceAuthorization: false, claimHeaders }).message(message, token);
    expect(message.headers).toEqual({
      host: 'h',
      authorization: 'DPoP t',
      dpop: 'proof',
      accept: '*',
      'x-user': 'alice',
    });
  });

  it('keeps what a client sent under other names where no claims are asked for', () => {
    const message = makeMessage();
    createRewrite({}).message(message, token);
    expect(message.headers['x-user']).toBe('mallory');
    expect(message.rawHeaders).not.toContain('proof');
  });
});

describe("a message of Node's whose headersDistinct", () => {
  /** What a server receives is as no test can make it. */
  async function receive(judge: (message: IncomingMessage) => unknown): Promise<unknown> {
    const server = createServer((message, response) => response.end(JSON.stringify(judge(message)))).listen(
      0,
    );
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const headers = { Authorization: 'DPoP t', DPoP: 'proof', X_User: 'mallory', 'X-User': 'mallory' };
    return (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })).json();
  }
  const changed = { authorization: ['Bearer a.b.c'], 'x-user': ['alice'] };

  it.each([true, false])(
    'was looked at before (%s) or not tells no more of what the client said',
    async (looks) => {
      const seen = await receive((message) => {
        if (looks) message.headersDistinct;
        createRewrite({ claimHeaders }).message(message, token);
        return message.headersDistinct;
      });
      expect(seen).toMatchObject(changed);
      expect(JSON.stringify(seen)).not.toMatch(/mallory|proof/);
    },
  );

  it.each([[[true]], [[false, true]], [[true, false]]])(
    'was looked at before (%j, of messages in turn) has the JWT where no claims are asked for',
    async (turns) => {
      // where Node keeps it is found out with the first message of a process
      vi.resetModules();
      const { createRewrite } = await import('./rewrite.js');
      const { message: change } = createRewrite({});
      for (const looks of turns) {
        const seen = await receive((message) => {
          if (looks) message.headersDistinct;
          change(message, token);
          return message.headersDistinct;
        });
        expect(seen).toMatchObject({ authorization: ['Bearer a.b.c'], 'x-user': ['mallory'] });
      }
    },
  );

  it('nobody has looked at is not made for the JWT alone', async () => {
    const isMade = (message: object) =>
      Object.getOwnPropertySymbols(message).some(
        (key) => key.description === 'kHeadersDistinct' && (message as Record<symbol, unknown>)[key] !== null,
      );
    createRewrite({}).message(new IncomingMessage(new Socket()), token);
    const made = await receive((message) => {
      message.rawHeaders[message.rawHeaders.indexOf('proof') - 1] = 'other';
      createRewrite({}).message(message, token);
      return [isMade(message), message.headersDistinct.authorization, isMade(message)];
    });
    expect(made).toEqual([false, ['Bearer a.b.c'], true]);
  });
});

describe('the headers of a Fetch request', () => {
  const makeHeaders = (more: Record<string, string> = {}) =>
    new Headers({ host: 'h', authorization: 'Bearer t', x_user: 'mallory', 'x.user': 'mallory', ...more });

  it('carry the JWT, no proof, and the claims', () => {
    const headers = createRewrite({ claimHeaders }).headers(makeHeaders({ DPoP: 'proof' }), token);
    expect(Object.fromEntries(headers ?? [])).toEqual({
      host: 'h',
      authorization: 'Bearer a.b.c',
      'x-user': 'alice',
    });
  });

  it('stay as they are where they are right', () => {
    const right = makeHeaders({ authorization: 'Bearer a.b.c' });
    expect(createRewrite({}).headers(right, token)).toBeUndefined();
    expect(createRewrite({ replaceAuthorization: false }).headers(makeHeaders(), token)).toBeUndefined();
  });

  it('lose a proof that nobody asked for', () => {
    const headers = makeHeaders({ authorization: 'Bearer a.b.c', DPoP: 'proof' });
    expect(createRewrite({}).headers(headers, token)?.has('dpop')).toBe(false);
  });
});

it.each([
  ['replaceAuthorization', { replaceAuthorization: 'no' }],
  ['Authorization', { claimHeaders: { Authorization: 'sub' } }],
])('a wrong %s is refused', (name, options) => {
  expect(() => createRewrite(options as object)).toThrow(TypeError);
  expect(() => createRewrite(options as object)).toThrow(name);
});
