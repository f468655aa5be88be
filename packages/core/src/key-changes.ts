/** Knows which keys were changed while a slower tier was read: what such a read brings may be of the time before. */
export interface KeyChanges {
  /** Changes what stands under a key. */
  change(key: string, work: () => Promise<void>): Promise<void>;
  /** Reads; `isCurrent` tells whether the key is as it was when this began. */
  read<T>(key: string, work: (isCurrent: () => boolean) => Promise<T>): Promise<T>;
}

interface KeyState {
  users: number;
  changing: number;
  changes: number;
}

export function createKeyChanges(): KeyChanges {
  /** Only of keys that are read or changed just now. */
  const states = new Map<string, KeyState>();

  async function use<T>(key: string, work: (state: KeyState) => Promise<T>): Promise<T> {
    const state = states.get(key) ?? { users: 0, changing: 0, changes: 0 };
    states.set(key, state);
    state.users++;
    try {
      return await work(state);
    } finally {
      state.users--;
      if (state.users === 0) states.delete(key);
    }
  }

  return {
    change: (key, work) =>
      use(key, async (state) => {
        state.changing++;
        state.changes++;
        try {
          await work();
        } finally {
          state.changing--;
          // one that began meanwhile may have read what was there before, too
          state.changes++;
        }
      }),
    read: (key, work) =>
      use(key, (state) => {
        const before = state.changes;
        return work(() => state.changing === 0 && state.changes === before);
      }),
  };
}
