import { afterEach, describe, expect, it, vi } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import type { PhantomTokenClientOptions } from './client-options.js';
import type { PhantomTokenEvent } from './events.js';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server that holds every answer until it is let go. */
async function setUp(options: Partial<PhantomTokenClientOptions> = {}) {
  const held: Array<() => void> = [];
  let arrived = () => {};
  const answer = jwtAnswer(unsignedJwt({ exp: Date.now() / 1000 + 100 }));
  const server = await startServer((response, call) => {
    held.push(() => answer(response, call));
    arrived();
  });
  const events: PhantomTokenEvent[] = [];
  const client = createPhantomTokenClient({
    ...server.asked,
    clientAuth: clientSecretBasic('g', 's'),
    onEvent: (event) => events.push(event),
    ...options,
  });
  const arrivals = (count: number) =>
    new Promise<void>((resolve) => {
      arrived = () => held.length >= count && resolve();
      arrived();
    });
  const release = () => {
    for (const letGo of held.splice(0)) letGo();
  };
  return { server, client, events, arrivals, release };
}

const unknown = (code: string, status: number) =>
  expect.objectContaining({ name: 'IntrospectionError', code, status });

describe('introspections in the air', () => {
  it('are shared by all who ask for the same token', async () => {
    const { server, client, events, arrivals, release } = await setUp();
    const all = Promise.all(Array.from({ length: 100 }, () => client.exchange('t')));
    await arrivals(1);
    release();
    expect(new Set((await all).map(({ jwt }) => jwt)).size).toBe(1);
    expect(server.calls).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'flight_joined')).toHaveLength(99);
  });

  it('are not shared by different tokens', async () => {
    const { server, client, arrivals, release } = await setUp();
    const both = Promise.all([client.exchange('t'), client.exchange('u')]);
    await arrivals(2);
    release();
    await both;
    expect(server.calls.map(({ form }) => form.get('token')).sort()).toEqual(['t', 'u']);
  });

  it('that fail, fail for all who wait and are not remembered', async () => {
    const { server, client } = await setUp();
    server.answer = statusAnswer(500);
    const outcomes = await Promise.allSettled([client.exchange('t'), client.exchange('t')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.calls).toHaveLength(1);
    server.answer = jwtAnswer(unsignedJwt());
    expect(await client.exchange('t')).toMatchObject({ source: 'introspection' });
  });

  it('go on for the others when one caller leaves, whoever came first', async () => {
    for (const first of [true, false]) {
      const { server, client, arrivals, release } = await setUp();
      const leaver = new AbortController();
      const options = { signal: leaver.signal };
      const before = client.exchange('t', first ? options : {});
      const after = client.exchange('t', first ? {} : options);
      const [leaving, staying] = first ? [before, after] : [after, before];
      await arrivals(1);
      leaver.abort(new Error('gone'));
      await expect(leaving).rejects.toThrow('gone');
      release();
      expect(await staying).toMatchObject({ source: 'introspection' });
      expect(server.calls).toHaveLength(1);
    }
  });

  it('are stored although everybody left', async () => {
    const { client, arrivals, release, events } = await setUp();
    const leaver = new AbortController();
    const leaving = client.exchange('t', { signal: leaver.signal });
    await arrivals(1);
    leaver.abort();
    await expect(leaving).rejects.toThrow('aborted');
    release();
    await expect.poll(() => events.at(-1)).toMatchObject({ type: 'introspection', outcome: 'active' });
    expect(client.exchangeOrWait('t')).toMatchObject({ source: 'memory' });
  });

  it('leave nobody behind who had left before', async () => {
    const { client, server } = await setUp();
    server.answer = statusAnswer(500);
    await expect(client.exchange('t', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow(
      'gone',
    );
  });

  it('cost a caller whose own time is up a 504, and nobody else', async () => {
    const { client, arrivals, release } = await setUp();
    const patient = client.exchange('t');
    await arrivals(1);
    await expect(client.exchange('t', { signal: AbortSignal.timeout(1) })).rejects.toThrow(
      unknown('ERR_TIMEOUT', 504),
    );
    release();
    expect(await patient).toMatchObject({ source: 'introspection' });
  });

  it('end at the deadline, and what comes later is dropped', async () => {
    let arrived = () => {};
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let comeLate = () => {};
    const fetch = vi.fn(async () => new Response(null, { status: 204 }));
    fetch.mockImplementationOnce(() => {
      arrived();
      const headers = { 'Content-Type': 'application/jwt' };
      return new Promise((resolve) => {
        comeLate = () => resolve(new Response(unsignedJwt(), { headers }));
      });
    });
    const { client, events } = await setUp({ timeoutSeconds: 0.1, fetch });
    vi.useFakeTimers();
    const failed = vi.fn();
    client.exchange('t').catch(failed);
    await arrival;
    await vi.advanceTimersByTimeAsync(99);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(failed).toHaveBeenCalledWith(unknown('ERR_TIMEOUT', 504));
    comeLate();
    await expect(client.exchange('t')).rejects.toThrow(expect.objectContaining({ code: 'ERR_INACTIVE' }));
    expect(events.filter(({ type }) => type === 'introspection')).toHaveLength(2);
  });

  it('end at the deadline although fetch heeds no signal', async () => {
    const { client } = await setUp({ timeoutSeconds: 0.05, fetch: () => new Promise(() => {}) });
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_TIMEOUT', 504));
  });

  it('run so many at once, queue so many, and refuse the rest', async () => {
    const { server, client, arrivals, release } = await setUp({
      maxConcurrentIntrospections: 2,
      maxQueuedIntrospections: 1,
    });
    const running = [client.exchange('a'), client.exchange('b')];
    await arrivals(2);
    const queued = client.exchange('c');
    await expect(client.exchange('d')).rejects.toThrow(unknown('ERR_OVERLOADED', 503));
    expect(server.calls).toHaveLength(2);
    release();
    await Promise.all(running);
    await arrivals(1);
    release();
    expect(await queued).toMatchObject({ source: 'introspection' });
    const next = client.exchange('d');
    await arrivals(1);
    release();
    expect(await next).toMatchObject({ source: 'introspection' });
  });

  it('leave the queue when half of their time is up', async () => {
    const { client } = await setUp({
      maxConcurrentIntrospections: 1,
      timeoutSeconds: 0.1,
      async fetch(_url, { body, signal }) {
        const abort = new Promise((resolve) => signal?.addEventListener('abort', resolve));
        if (!String(body).endsWith('token=c')) await abort;
        return new Response(null, { status: 204 });
      },
    });
    const outcomes = await Promise.allSettled([client.exchange('a'), client.exchange('b')]);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([
      unknown('ERR_TIMEOUT', 504),
      unknown('ERR_OVERLOADED', 503),
    ]);
    await expect(client.exchange('c')).rejects.toThrow(expect.objectContaining({ code: 'ERR_INACTIVE' }));
  });

  it('have so many waiters and no more', async () => {
    const { client, arrivals, release } = await setUp({ maxWaiters: 1 });
    const first = client.exchange('t');
    const second = client.exchange('t');
    await expect(client.exchange('t')).rejects.toThrow(unknown('ERR_OVERLOADED', 503));
    await arrivals(1);
    release();
    await Promise.all([first, second]);
  });

  it('are not shared where requests must not share I/O', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    const { server, client, arrivals, release } = await setUp({ maxConcurrentIntrospections: 1 });
    const all = Promise.all(Array.from({ length: 20 }, () => client.exchange('t')));
    await arrivals(20);
    release();
    await all;
    expect(server.calls).toHaveLength(20);
    await client.evict('t');
    expect(client.exchangeOrWait('t')).toBeInstanceOf(Promise);
    await arrivals(1);
    release();
  });

  it('are shared where there is no navigator', async () => {
    vi.stubGlobal('navigator', undefined);
    const { server, client, arrivals, release } = await setUp();
    const both = Promise.all([client.exchange('t'), client.exchange('t')]);
    await arrivals(1);
    release();
    await both;
    expect(server.calls).toHaveLength(1);
  });
});
