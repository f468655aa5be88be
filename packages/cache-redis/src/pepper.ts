/**
 * The secret that all instances have in common and Redis has not. Make one with `openssl rand -base64 32`; it is used as
 * it stands, not decoded.
 */
export interface Pepper {
  /** Stands beside what was sealed with it, in clear: 1 to 32 letters, digits, `_`, `.` or `-`. Never used again for another secret. */
  readonly id: string;
  /** 32 bytes or more; a string stands for its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

/** One, or two while the secret is replaced: the first seals, both open. */
export type Peppers = Pepper | readonly [Pepper] | readonly [Pepper, Pepper];

/** A pepper as it is worked with. */
export interface ReadPepper {
  readonly id: string;
  readonly secret: Buffer<ArrayBuffer>;
}

const leastSecretBytes = 32;
const idForm = /^[\w.-]{1,32}$/;
/**
 * What stands in for a pepper where there is none: no secret. Entries are still found and read by their token alone, but
 * whoever can write to Redis and has a token can make one up.
 */
const noPepper: ReadPepper = {
  id: 'none',
  secret: Buffer.from('phantom-token: without a pepper of its own'),
};

const howToMakeOne = 'make one with `openssl rand -base64 32`';

/** @throws {TypeError} saying what is wrong with the option `pepper` and how it is put right. */
export function readPeppers(option: unknown): readonly [ReadPepper, ...ReadPepper[]] {
  if (option === undefined) return [noPepper];
  const [first, second, ...others] = (Array.isArray(option) ? option : [option]).map(readPepper);
  if (first === undefined || others.length > 0)
    throw new TypeError('pepper must be one pepper, or a list of two: the first seals, both open');
  if (second === undefined) return [first];
  if (first.id === second.id)
    throw new TypeError('pepper must have two different ids where it is a list of two');
  if (first.secret.equals(second.secret))
    throw new TypeError('pepper must have two different secrets where it is a list of two');
  return [first, second];
}

function readPepper(pepper: unknown): ReadPepper {
  if (typeof pepper !== 'object' || pepper === null)
    throw new TypeError(`pepper must be { id, secret }; ${howToMakeOne}`);
  const { id, secret, ...others } = pepper as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`pepper: unknown member "${unknown}"; known are id, secret`);
  if (typeof id !== 'string' || !idForm.test(id))
    throw new TypeError('pepper.id must be 1 to 32 letters, digits, "_", "." or "-"');
  if (id === noPepper.id) throw new TypeError('pepper.id must not be "none", which stands for no pepper');
  return { id, secret: readSecret(secret) };
}

function readSecret(secret: unknown): Buffer<ArrayBuffer> {
  if (typeof secret === 'string' || secret instanceof Uint8Array) {
    // a copy: its owner may overwrite his own
    const bytes = Buffer.from(secret as string);
    if (bytes.length >= leastSecretBytes) return bytes;
  }
  throw new TypeError(
    `pepper.secret must be a string or bytes, ${leastSecretBytes} bytes or more; ${howToMakeOne}`,
  );
}
