import { afterAll, beforeAll, onTestFinished } from 'vitest';

/** Something that a test starts and somebody must end. */
export interface Owned {
  end(): Promise<void>;
}

/** Notes what was started, so that it is ended together. */
export type Own = <T extends Owned>(starting: Promise<T>) => Promise<T>;

/** Builds one thing out of several; all of them end with it, and at once when one of them does not start. */
export async function together<T extends object>(build: (own: Own) => Promise<T>): Promise<T & Owned> {
  const parts: Promise<Owned>[] = [];
  const end = async () => {
    // what is still starting must end too, and what never started needs no end
    const started = await Promise.allSettled(parts.splice(0));
    await Promise.all(started.map((part) => (part.status === 'fulfilled' ? part.value.end() : undefined)));
  };
  const own: Own = (starting) => {
    parts.push(starting);
    return starting;
  };
  try {
    return Object.assign(await build(own), { end });
  } catch (error) {
    await end();
    throw error;
  }
}

/** For one test: ends with it, however it ends. */
export async function forTest<T extends Owned>(starting: Promise<T>): Promise<T> {
  onTestFinished(async () => {
    const [outcome] = await Promise.allSettled([starting]);
    if (outcome.status === 'fulfilled') await outcome.value.end();
  });
  return starting;
}

/** For all the tests of a file or a `describe`: started before the first, ended after the last. */
export function forAll<T extends Owned>(start: () => Promise<T>): () => T {
  let started: T | undefined;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(async () => {
    await started?.end();
  });
  return () => {
    if (started === undefined)
      throw new Error('it is started before the first test, not while tests are listed');
    return started;
  };
}
