import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonType, noContent, status } from './answers.js';
import {
  closeAtOnce,
  closeDelimited,
  createGate,
  drip,
  endlessBody,
  gzipBomb,
  gzipped,
  late,
  neverAnswer,
  redirect,
  resetAtOnce,
  resetHalfway,
  shortBody,
  unfinishedChunks,
} from './faults.js';
import { sendRequest } from './raw-request.js';
import { type Answer, type ScriptedServer, startScriptedServer } from './scripted-server.js';

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer();
});
afterEach(() => server.close());

const ask = (answer: Answer) => {
  server.answer(answer);
  return sendRequest(server.origin, { target: '/introspect' });
};

const incomplete: readonly (readonly [what: string, answer: Answer])[] = [
  ['a reset before the answer', resetAtOnce()],
  ['a close before the answer', closeAtOnce()],
  ['a reset in the middle', resetHalfway('0123456789')],
  ['a body shorter than stated', shortBody('0123456789')],
  ['chunks without a last one', unfinishedChunks('0123456789')],
];

describe('faults', () => {
  it.each(incomplete)('%s leaves the answer incomplete', async (_what, answer) => {
    await expect(ask(answer).response).rejects.toThrow('without a complete answer');
  });

  it('an answer that never comes lasts until the peer goes', async () => {
    const exchange = ask(neverAnswer());
    await server.called(1);
    exchange.leave();
    await server.deserted();
    await expect(exchange.response).rejects.toThrow();
  });

  it('a dripped body comes whole in the end', async () => {
    const startedAt = performance.now();
    const { body } = await ask(drip('abc')).response;
    expect(body).toBe('abc');
    expect(performance.now() - startedAt).toBeGreaterThan(90);
  });

  it('a body without a length ends with the connection', async () => {
    const { body, header } = await ask(closeDelimited('abc', jsonType)).response;
    expect([body, header('Content-Length'), header('Content-Type')]).toEqual([
      'abc',
      undefined,
      'application/json',
    ]);
  });

  it('an endless body stops when the peer goes', async () => {
    server.answer(endlessBody());
    const response = await fetch(server.endpoint);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await server.deserted();
    expect(server.bytesSent).toBeLessThan(16_000_000);
  });

  it('a gzip unpacks to its body', async () => {
    server.answer(gzipped('abc'));
    expect(await (await fetch(server.endpoint)).text()).toBe('abc');
  });

  it('a gzip bomb is small and unpacks to 32 MB', async () => {
    server.answer(gzipBomb());
    const response = await fetch(server.endpoint);
    expect(Number(response.headers.get('Content-Length'))).toBeLessThan(64_000);
    expect((await response.arrayBuffer()).byteLength).toBe(32_000_000);
  });

  it('a redirect names its target', async () => {
    const { status, header } = await ask(redirect(307, '/elsewhere')).response;
    expect([status, header('Location')]).toEqual([307, '/elsewhere']);
  });

  it('a late answer comes after its delay', async () => {
    const startedAt = performance.now();
    await ask(late(0.1, noContent())).response;
    expect(performance.now() - startedAt).toBeGreaterThan(90);
  });

  it('a gate holds answers until it is opened', async () => {
    const gate = createGate();
    let answered = false;
    const response = ask(gate.hold(status(200))).response.finally(() => {
      answered = true;
    });
    await server.called(1);
    expect(answered).toBe(false);
    gate.open();
    expect((await response).status).toBe(200);
  });
});
