import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryReplayStore } from './replay-store.js';

const now = 1_800_000_000;
const full = expect.objectContaining({ name: 'IntrospectionError', code: 'ERR_REPLAY_STORE', status: 503 });

describe('a replay store in memory', () => {
  it('takes a key once', () => {
    const store = memoryReplayStore();
    expect(store.add('a', now + 60, now)).toBe(true);
    expect(store.add('a', now + 60, now)).toBe(false);
    expect(store.add('b', now + 60, now)).toBe(true);
    expect(store.add('a', now + 60, now + 59)).toBe(false);
  });

  it('knows a key again that comes with another deadline', () => {
    const store = memoryReplayStore();
    store.add('a', now + 60, now);
    expect(store.add('a', now + 20, now)).toBe(false);
    expect(store.add('a', now + 600, now)).toBe(false);
  });

  it('remembers every key until its deadline, whatever else it is given', () => {
    const uses = fc.array(fc.record({ key: fc.nat(20), lives: fc.nat(100), passes: fc.nat(9) }));
    fc.assert(
      fc.property(uses, (list) => {
        const store = memoryReplayStore();
        const deadlines = new Map<string, number>();
        let clock = now;
        for (const { key, lives, passes } of list) {
          clock += passes;
          const name = `k${key}`;
          const isNew = store.add(name, clock + lives, clock);
          if ((deadlines.get(name) ?? 0) > clock) expect(isNew).toBe(false);
          if (isNew) deadlines.set(name, clock + lives);
        }
      }),
    );
  });

  it('has room again as deadlines pass', () => {
    const store = memoryReplayStore({ maxEntries: 1 });
    store.add('a', now + 60, now);
    expect(store.add('b', now + 130, now + 70)).toBe(true);
    expect(store.add('a', now + 240, now + 180)).toBe(true);
  });

  it('takes nothing more when it is full of live keys, and forgets none of them', () => {
    const store = memoryReplayStore({ maxEntries: 2 });
    store.add('a', now + 60, now);
    store.add('b', now + 80, now);
    for (const other of ['c', 'd', 'e']) expect(() => store.add(other, now + 60, now)).toThrow(full);
    expect(store.add('a', now + 60, now + 59)).toBe(false);
    expect(store.add('b', now + 80, now + 59)).toBe(false);
  });

  it.each<[string, object]>([
    ['maxEntries', { maxEntries: 0 }],
    ['maxEntries', { maxEntries: 1.5 }],
    ['maxEntry', { maxEntry: 5 }],
  ])('refuses a wrong %s', (name, options) => {
    expect(() => memoryReplayStore(options)).toThrow(TypeError);
    expect(() => memoryReplayStore(options)).toThrow(name);
  });
});
