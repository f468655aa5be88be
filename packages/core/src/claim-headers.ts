import type { Claims } from './cache.js';
import { nonEmpty } from './option-checks.js';
import { createRecentMap } from './recent-map.js';

/** Chosen claims as header fields for the API behind. */
export interface ClaimHeaders {
  /** The names of the fields, as configured. None of them may come through from a client. */
  readonly reserved: readonly string[];
  /** Whether a name is one of them in any spelling: case, `_`, `.` and `-` count as the same. */
  isReserved(name: string): boolean;
  /**
   * The fields for these claims. A claim that is absent or null has none. `decodeURIComponent` gives the original of
   * every value, and of every member of a list.
   */
  build(claims: Claims): readonly (readonly [name: string, value: string])[];
}

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/;

const forbidden = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const forbiddenPrefix = /^(?:proxy|x-forwarded)-/;

/**
 * Makes the fields that carry claims to the API behind: strings, numbers and booleans as they are, lists of those
 * parted by spaces, anything else as JSON. What is not printable ASCII, `%`, and spaces at either end or within a
 * member of a list are percent-encoded UTF-8, so that nobody can end a field and begin another.
 * @param map From header name to claim name, such as `{ 'X-User': 'sub' }`.
 * @throws {TypeError} for a name that is none, that two share in any spelling, or that has a meaning of its own, such
 * as Authorization, Host, Connection, Proxy-* and X-Forwarded-*.
 */
export function createClaimHeaders(map: Readonly<Record<string, string>>): ClaimHeaders {
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new TypeError('claimHeaders must be an object from header name to claim name');
  const fields = Object.entries(map);
  const folded = new Set<string>();
  for (const [name, claim] of fields) {
    nonEmpty(`claimHeaders.${name}`, claim);
    if (!fieldName.test(name))
      throw new TypeError(`claimHeaders: "${name}" is not the name of a header field`);
    const same = fold(name);
    if (forbidden.has(same) || forbiddenPrefix.test(same))
      throw new TypeError(`claimHeaders: "${name}" has a meaning of its own; choose another name`);
    if (folded.has(same))
      throw new TypeError(
        `claimHeaders: "${name}" is there twice; case, "_", "." and "-" do not tell names apart`,
      );
    folded.add(same);
  }
  const lengths = new Set(fields.map(([name]) => name.length));
  const recent = createRecentMap<boolean>();
  // claims are those of a cached answer, the same object on every hit
  const built = new WeakMap<Claims, ReturnType<ClaimHeaders['build']>>();
  return Object.freeze({
    reserved: Object.freeze(fields.map(([name]) => name)),
    isReserved(name: string) {
      // folding keeps the length, which tells most names apart
      if (!lengths.has(name.length)) return false;
      return recent.get(name) ?? recent.set(name, folded.has(fold(name)));
    },
    build(claims: Claims) {
      const known = built.get(claims);
      if (known !== undefined) return known;
      const made = Object.freeze(fields.flatMap(([name, claim]) => buildField(name, claims, claim)));
      built.set(claims, made);
      return made;
    },
  });
}

const fold = (name: string) => name.toLowerCase().replace(/[_.]/g, '-');

function buildField(name: string, claims: Claims, claim: string): readonly (readonly [string, string])[] {
  // a claim that happens to be called like a method of every object is still no claim
  const value = Object.hasOwn(claims, claim) ? format(claims[claim]) : undefined;
  return value === undefined ? [] : [Object.freeze([name, value] as const)];
}

function format(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (isScalar(value)) return encode(String(value));
  // an empty member would vanish between the spaces
  if (Array.isArray(value) && value.every((member) => isScalar(member) && member !== ''))
    return value.map((member) => encode(String(member)).replaceAll(' ', '%20')).join(' ');
  return encode(JSON.stringify(value));
}

const isScalar = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

// a lone surrogate is no character: it becomes U+FFFD, as everywhere in UTF-8
const encode = (text: string) =>
  text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+|^ | $/g, encodeURIComponent);
