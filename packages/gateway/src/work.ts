/** Work under way that a close has to wait for: requests whose tokens are still being asked about. */
export interface Work {
  add(work: Promise<unknown>): void;
  /** Resolves once nothing is under way. */
  settled(): Promise<void>;
}

export function createWork(): Work {
  const underWay = new Set<Promise<unknown>>();
  return {
    add(work) {
      underWay.add(work);
      const remove = () => void underWay.delete(work);
      work.then(remove, remove);
    },
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
