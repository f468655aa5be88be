import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Dated, Deadlines } from '../src/deadlines.js';

const begin = (dueIn: number) => {
  const dated = { dueAt: performance.now() + dueIn, onDue: vi.fn<Dated['onDue']>() };
  return dated;
};

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are noticed when they are over, and soon', () => {
    const deadlines = new Deadlines();
    const dated = begin(1000);
    deadlines.add(dated);
    vi.advanceTimersByTime(999);
    expect(dated.onDue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60);
    expect(dated.onDue).toHaveBeenCalled();
  });

  it('may be set anew, or to none, as often as one likes', () => {
    const deadlines = new Deadlines();
    const [later, never] = [begin(1000), begin(1000)];
    deadlines.add(later);
    deadlines.add(never);
    never.dueAt = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10; round++) {
      vi.advanceTimersByTime(900);
      later.dueAt = performance.now() + 1000;
    }
    expect(later.onDue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(later.onDue).toHaveBeenCalled();
    expect(never.onDue).not.toHaveBeenCalled();
  });

  it('are not looked after any more once they are taken out, and nothing is then left running', () => {
    const deadlines = new Deadlines();
    const [one, other] = [begin(1000), begin(2000)];
    deadlines.add(one);
    deadlines.add(other);
    deadlines.delete(one);
    vi.advanceTimersByTime(3000);
    expect(one.onDue).not.toHaveBeenCalled();
    expect(other.onDue).toHaveBeenCalled();
    deadlines.delete(other);
    // the look that had begun
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('a deadline is over only when what came in time was read', async () => {
  const deadlines = new Deadlines();
  const dated = begin(100);
  deadlines.add(dated);
  const answered = new Promise<void>((resolve) => {
    // what a socket does when its answer is read: after the timers, before the look
    setTimeout(
      () =>
        queueMicrotask(() => {
          dated.dueAt = Number.POSITIVE_INFINITY;
          resolve();
        }),
      100,
    );
  });
  const end = performance.now() + 300;
  while (performance.now() < end);
  await answered;
  await sleep(100);
  deadlines.delete(dated);
  expect(dated.onDue).not.toHaveBeenCalled();
});
