import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConcurrencyLimit } from './concurrency-limit.js';

const forever = 2_000_000;

afterEach(() => void vi.useRealTimers());

describe('a concurrency limit', () => {
  it('starts the next task when one ends, in the order in which they came', async () => {
    const limit = createConcurrencyLimit(1, 2);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const run = (name: string) =>
      limit(() => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      }, forever);
    const tasks = [run('a'), run('b'), run('c')];
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await expect.poll(() => started).toEqual(expected);
      ends.at(-1)?.();
    }
    await Promise.all(tasks);
  });

  it('never starts a task that waited for too long, and takes another in its place', async () => {
    vi.useFakeTimers();
    const limit = createConcurrencyLimit(1, 1);
    let end = () => {};
    const first = limit(() => new Promise<void>((resolve) => (end = resolve)), forever);
    const never = vi.fn(async () => undefined);
    const gaveUp = vi.fn();
    limit(never, 1).catch(gaveUp);
    await expect(limit(never, forever)).rejects.toMatchObject({ code: 'ERR_OVERLOADED' });

    await vi.advanceTimersByTimeAsync(999);
    expect(gaveUp).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(gaveUp).toHaveBeenCalledWith(
      expect.objectContaining({ code: 'ERR_OVERLOADED', status: 503, retryAfterSeconds: 1 }),
    );
    const next = limit(async () => 'next', 1);
    end();
    await first;
    expect(await next).toBe('next');
    expect(never).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
