import { describe, expect, it, vi } from 'vitest';
import { createConcurrencyLimit } from './concurrency-limit.js';

const forever = new AbortController().signal;

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

  it('never starts a task that gave up in the queue, and takes another in its place', async () => {
    const limit = createConcurrencyLimit(1, 1);
    let end = () => {};
    const first = limit(() => new Promise<void>((resolve) => (end = resolve)), forever);
    const givesUp = new AbortController();
    const never = vi.fn(async () => undefined);
    const queued = limit(never, givesUp.signal);
    await expect(limit(never, forever)).rejects.toMatchObject({ code: 'ERR_OVERLOADED' });

    givesUp.abort(new Error('too late'));
    await expect(queued).rejects.toThrow('too late');
    const next = limit(async () => 'next', forever);
    end();
    await first;
    expect(await next).toBe('next');
    expect(never).not.toHaveBeenCalled();
  });
});
