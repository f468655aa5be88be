import { withinDeadline } from './deadline.js';
import { IntrospectionError } from './errors.js';
import { requestsShareIo } from './runtime.js';
import type { Secret } from './secret.js';
import {
  assertPublishable,
  importPublishedKey,
  type PrivateKey,
  type PublishedKey,
  WrongKey,
} from './signing-key.js';

type Keys = readonly [signing: PublishedKey, ...others: PublishedKey[]];

/** Keys that replace one another while the process runs. The first one signs, all are published. */
export interface KeyRing {
  /**
   * The keys as they were last read, never an empty list; waits only while there are none.
   * @throws {IntrospectionError} ERR_MINTING while none could be read.
   */
  current(): Promise<Keys>;
}

/** How long a function may take to give its keys. Seconds. */
const patienceSeconds = 5;

/**
 * Keys that stand are judged now, as far as that goes without waiting; a function is asked when keys are first needed,
 * and again, behind everybody's back, when those there are have become old.
 * @throws {TypeError} for what is no private key.
 */
export function createKeyRing(
  keys: Secret<PrivateKey | readonly PrivateKey[]>,
  { algorithm, reloadSeconds }: { readonly algorithm: string | undefined; readonly reloadSeconds: number },
): KeyRing {
  const changes = typeof keys === 'function';
  const fetch = (changes ? keys : () => keys) as () => unknown;
  if (!changes) for (const key of readList(keys)) assertPublishable('keys', key, algorithm);
  let held: Keys | undefined;
  let first: Promise<Keys> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asked = 0;
  let heldFrom = 0;

  async function read(): Promise<Keys> {
    const turn = ++asked;
    askedAt = performance.now();
    const [signing, ...others] = await withinDeadline(patienceSeconds, async () => readList(await fetch()));
    const load = (key: PrivateKey) => importPublishedKey('keys', key, algorithm);
    const next: Keys = [await load(signing), ...(await Promise.all(others.map(load)))];
    assertDistinct(next);
    // an answer that was overtaken by a later one is an old one
    if (turn > heldFrom) {
      heldFrom = turn;
      held = next;
    }
    return next;
  }

  async function readFirst(): Promise<Keys> {
    try {
      return await read();
    } catch (error) {
      // the next request asks again
      first = undefined;
      const reason = error instanceof WrongKey ? error.message : 'the keys to sign with could not be read';
      throw new IntrospectionError('ERR_MINTING', `jwtMinter: ${reason}`);
    }
  }

  return {
    async current() {
      if (held === undefined) {
        if (!requestsShareIo()) return readFirst();
        first ??= readFirst();
        return first;
      }
      if (changes && performance.now() - askedAt >= reloadSeconds * 1000) read().catch(keepWhatWeHave);
      return held;
    },
  };
}

const keepWhatWeHave = () => {};

function readList(keys: unknown): readonly [PrivateKey, ...PrivateKey[]] {
  const [first, ...others] = Array.isArray(keys) ? keys : [keys];
  if (first === undefined) throw new WrongKey('keys must have at least one private key');
  return [first, ...others];
}

// two keys of one name would leave verifiers to guess
function assertDistinct(keys: Keys): void {
  if (new Set(keys.map(({ header }) => header.kid)).size !== keys.length)
    throw new WrongKey('keys must differ in their kid, and none may be there twice');
}
