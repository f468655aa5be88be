import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCircuitBreaker } from './circuit-breaker.js';
import {
  IntrospectionError,
  type IntrospectionErrorCode,
  type IntrospectionErrorOptions,
  overloaded,
} from './errors.js';
import type { PhantomTokenEvent } from './events.js';

afterEach(() => void vi.useRealTimers());

function setUp(breakerFailures = 3) {
  const events: PhantomTokenEvent[] = [];
  const clock = { at: 1000 };
  const run = createCircuitBreaker(
    { breakerFailures },
    (event) => events.push(event),
    () => clock.at,
  );
  const state = { calls: 0 };
  const failWith = (code: IntrospectionErrorCode, options: IntrospectionErrorOptions = {}) =>
    run(async () => {
      state.calls++;
      throw new IntrospectionError(code, 'x', options);
    }).catch((error) => error.code);
  const fail = () => failWith('ERR_UNREACHABLE');
  const succeed = () =>
    run(async () => {
      state.calls++;
      return 'fine';
    }).catch((error) => error.code);
  return { clock, events, run, fail, failWith, succeed, state };
}

describe('a circuit breaker', () => {
  it('opens after so many failures in a row, and then lets nobody through', async () => {
    const { fail, succeed, events, state } = setUp();
    for (let count = 0; count < 3; count++) expect(await fail()).toBe('ERR_UNREACHABLE');
    expect(await succeed()).toBe('ERR_BREAKER_OPEN');
    expect(state.calls).toBe(3);
    expect(events).toEqual([{ type: 'breaker', state: 'open' }]);
  });

  it('starts to count again with every success', async () => {
    const { fail, succeed } = setUp();
    for (const step of [fail, fail, succeed, fail, fail]) await step();
    expect(await succeed()).toBe('fine');
  });

  it('lets one probe a second through, and closes when that succeeds', async () => {
    const { fail, succeed, clock, state, events } = setUp();
    for (let count = 0; count < 3; count++) await fail();
    clock.at += 1;
    expect(await Promise.all([fail(), succeed()])).toEqual(['ERR_UNREACHABLE', 'ERR_BREAKER_OPEN']);
    expect(state.calls).toBe(4);
    clock.at += 1;
    expect(await succeed()).toBe('fine');
    expect(await succeed()).toBe('fine');
    expect(events.at(-1)).toEqual({ type: 'breaker', state: 'closed' });
  });

  it('opens for as long as the server asks to be left alone', async () => {
    const { failWith, succeed, clock, run } = setUp();
    await failWith('ERR_UNAVAILABLE', { status: 503, serverStatus: 503, retryAfterSeconds: 7 });
    clock.at += 6;
    await expect(run(async () => 1)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    clock.at += 1;
    expect(await succeed()).toBe('fine');
  });

  it.each<[IntrospectionErrorCode, number?]>([
    ['ERR_UNREACHABLE'],
    ['ERR_INCOMPLETE'],
    ['ERR_TIMEOUT'],
    ['ERR_UNAVAILABLE', 429],
    ['ERR_UNAVAILABLE', 503],
    ['ERR_STATUS', 500],
    ['ERR_STATUS', 504],
    ['ERR_STATUS', 201],
    ['ERR_REDIRECT', 302],
    ['ERR_REDIRECT', 0],
    ['ERR_MEDIA_TYPE'],
  ])('counts %s (%s), and stays open for it', async (code, serverStatus) => {
    const { failWith, succeed, clock } = setUp();
    const fail = () => failWith(code, serverStatus === undefined ? {} : { serverStatus });
    for (let count = 0; count < 3; count++) await fail();
    expect(await succeed()).toBe('ERR_BREAKER_OPEN');
    clock.at += 1;
    expect(await fail()).toBe(code);
    expect(await succeed()).toBe('ERR_BREAKER_OPEN');
  });

  it.each<[IntrospectionErrorCode, number?]>([
    ['ERR_BAD_REQUEST', 400],
    ['ERR_CREDENTIALS_REFUSED', 401],
    ['ERR_CREDENTIALS_REFUSED', 403],
    ['ERR_STATUS', 404],
    ['ERR_TOO_LARGE'],
    ['ERR_MALFORMED'],
    ['ERR_NO_JWT'],
    ['ERR_CONTRADICTION'],
    ['ERR_JWT_REFUSED'],
    ['ERR_JWT_VERIFICATION'],
    ['ERR_RESPONSE_VERIFICATION'],
    ['ERR_KEYS_UNAVAILABLE'],
    ['ERR_MINTING'],
  ])('takes %s (%s), which one token may bring about, for a sign of life', async (code, serverStatus) => {
    const { fail, failWith, succeed, clock, events } = setUp();
    const answer = () => failWith(code, serverStatus === undefined ? {} : { serverStatus });
    for (let count = 0; count < 9; count++) await answer();
    for (const step of [fail, fail, answer, fail, fail, succeed]) await step();
    expect(events).toEqual([]);
    for (let count = 0; count < 3; count++) await fail();
    clock.at += 1;
    expect(await answer()).toBe(code);
    expect(await succeed()).toBe('fine');
    expect(events.at(-1)).toEqual({ type: 'breaker', state: 'closed' });
  });

  it('does not close for what happens before the server is asked', async () => {
    const { fail, failWith, run, succeed, clock } = setUp();
    for (let count = 0; count < 3; count++) await fail();
    const errors: (() => Promise<unknown>)[] = [
      () => failWith('ERR_OVERLOADED'),
      () => failWith('ERR_CLIENT_AUTH'),
      () => run(() => Promise.reject(new Error('x'))).catch(() => {}),
    ];
    for (const error of errors) {
      clock.at += 1;
      await error();
      expect(await succeed()).toBe('ERR_BREAKER_OPEN');
    }
  });

  it('goes by a clock that nobody sets', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const run = createCircuitBreaker({ breakerFailures: 1 }, undefined);
    const fail = () => run(() => Promise.reject(new IntrospectionError('ERR_TIMEOUT', 'x'))).catch(() => {});
    await fail();
    vi.setSystemTime(Date.now() - 3_600_000);
    await expect(run(async () => 1)).rejects.toMatchObject({ retryAfterSeconds: 1 });
    vi.advanceTimersByTime(1000);
    expect(await run(async () => 'fine')).toBe('fine');
  });

  it('does not count our own bounds, nor what is no introspection error', async () => {
    const { run, succeed } = setUp();
    for (const error of [overloaded(), overloaded(), overloaded(), new Error('x')])
      await run(() => Promise.reject(error)).catch(() => {});
    expect(await succeed()).toBe('fine');
  });

  it('is not there when switched off', async () => {
    const { fail, succeed } = setUp(0);
    for (let count = 0; count < 9; count++) await fail();
    expect(await succeed()).toBe('fine');
  });
});
