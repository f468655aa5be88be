import { IntrospectionError } from './errors.js';
import { holdSecret, type Secret } from './secret.js';
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
  if (!changes) for (const key of readList(keys)) assertPublishable('keys', key, algorithm);
  // those that stand too are read when they are needed, not before
  const fetch = (changes ? keys : () => keys) as () => unknown;
  const held = holdSecret(fetch, (given) => readKeys(given, algorithm));
  return {
    async current() {
      if (changes) held.renewAfter(reloadSeconds);
      try {
        return await held.current();
      } catch (error) {
        const reason = error instanceof WrongKey ? error.message : 'the keys to sign with could not be read';
        throw new IntrospectionError('ERR_MINTING', `jwtMinter: ${reason}`);
      }
    },
  };
}

async function readKeys(given: unknown, algorithm: string | undefined): Promise<Keys> {
  const [signing, ...others] = readList(given);
  const load = (key: PrivateKey) => importPublishedKey('keys', key, algorithm);
  const keys: Keys = [await load(signing), ...(await Promise.all(others.map(load)))];
  assertDistinct(keys);
  return keys;
}

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
