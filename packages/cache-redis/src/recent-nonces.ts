/** How many a generation holds. */
const generationSize = 10_000;

/** Which messages were heard lately. Forgetting one costs an introspection. */
export interface RecentNonces {
  has(nonce: string): boolean;
  add(nonce: string): void;
}

/** Two generations, of which the older goes when the newer is full. */
export function createRecentNonces(): RecentNonces {
  let newer = new Set<string>();
  let older = new Set<string>();
  return {
    has: (nonce) => newer.has(nonce) || older.has(nonce),
    add(nonce) {
      if (newer.size >= generationSize) {
        older = newer;
        newer = new Set();
      }
      newer.add(nonce);
    },
  };
}
