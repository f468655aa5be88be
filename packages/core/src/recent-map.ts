/** How many entries a generation holds. */
const generationSize = 1024;
/** A longer key is not kept, so that the whole stays small whatever is thrown at it. Characters. */
const maxKeyLength = 4200;

/** The same text alone: engines keep all of a text for a part of it, such as a head of 16 kB for a field of it. */
export const copyOf = (text: string) => `${text} `.slice(0, -1);

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
    if (key.length > maxKeyLength) return value;
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
