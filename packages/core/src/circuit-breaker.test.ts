import { describe, expect, it } from 'vitest';
import { createCircuitBreaker } from './circuit-breaker.js';
import { IntrospectionError, type IntrospectionErrorOptions, overloaded } from './errors.js';
import type { PhantomTokenEvent } from './events.js';

function setUp(breakerFailures = 3) {
  const events: PhantomTokenEvent[] = [];
  const clock = { at: 1000 };
  const run = createCircuitBreaker({ breakerFailures, now: () => clock.at }, (event) => events.push(event));
  const state = { calls: 0 };
  const fail = (options: IntrospectionErrorOptions = {}) =>
    run(async () => {
      state.calls++;
      throw new IntrospectionError('ERR_UNREACHABLE', 'x', options);
    }).catch((error) => error.code);
  const succeed = () =>
    run(async () => {
      state.calls++;
      return 'fine';
    }).catch((error) => error.code);
  return { clock, events, run, fail, succeed, state };
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
    const { fail, succeed, clock, run } = setUp();
    await fail({ status: 503, serverStatus: 503, retryAfterSeconds: 7 });
    clock.at += 6;
    await expect(run(async () => 1)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    clock.at += 1;
    expect(await succeed()).toBe('fine');
  });

  it.each([400, 401, 403, 404])('does not count status %i', async (serverStatus) => {
    const { fail, succeed } = setUp();
    for (let count = 0; count < 9; count++) await fail({ serverStatus });
    expect(await succeed()).toBe('fine');
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
