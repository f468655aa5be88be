/** How many entries a generation holds. */
const generationSize = 4096;

/** What was used lately, at the cost of one look-up: two generations, of which the older goes when the newer is full. */
export interface RecentMap<V> {
  get(key: string): V | undefined;
  /** Returns the value. */
  set(key: string, value: V): V;
}

export function createRecentMap<V>(): RecentMap<V> {
  let newer = new Map<string, V>();
  let older = new Map<string, V>();

  function set(key: string, value: V): V {
    if (newer.size >= generationSize) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
    return value;
  }

  return {
    get(key) {
      const value = newer.get(key);
      if (value !== undefined) return value;
      const aged = older.get(key);
      return aged === undefined ? undefined : set(key, aged);
    },
    set,
  };
}
