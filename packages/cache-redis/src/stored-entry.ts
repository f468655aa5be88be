import type { CacheEntry, Claims } from '@phantom-token/core';
import { CacheError } from './cache-error.js';
import type { Bytes } from './sealing-primitives.js';

/** What stands outside of what is sealed, in clear. */
export interface EntryDates {
  /** NumericDate. */
  readonly expiresAt: number;
  /** NumericDate of the writer's clock, where it was said. */
  readonly storedAt?: number | undefined;
}

/** The length of the JWT, big-endian, stands before it. */
const lengthBytes = 4;

/** What is sealed of an active entry: the length of its JWT in bytes, the JWT, and the claims as JSON, all in UTF-8. */
export function serialize(jwt: string, claims: Claims): Bytes {
  const json = JSON.stringify(claims);
  const claimsAt = lengthBytes + Buffer.byteLength(jwt);
  const content = Buffer.alloc(claimsAt + Buffer.byteLength(json));
  content.writeUInt32BE(claimsAt - lengthBytes);
  content.write(jwt, lengthBytes);
  content.write(json, claimsAt);
  return content;
}

/**
 * Reads it back, with whatever spaces follow; the claims are frozen deeply.
 * @throws {CacheError} ERR_CACHE_POISONED for what is no such content.
 */
export function parse(content: Bytes, { expiresAt, storedAt }: EntryDates): CacheEntry {
  if (content.length < lengthBytes) throw poisoned();
  const claimsAt = lengthBytes + content.readUInt32BE(0);
  const jwt = content.toString('utf8', lengthBytes, claimsAt);
  const claims = parseJson(content.toString('utf8', claimsAt));
  if (!isObject(claims)) throw poisoned();
  const result = { active: true, jwt, claims: deepFreeze(claims) } as const;
  return storedAt === undefined ? { result, expiresAt } : { result, expiresAt, storedAt };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw poisoned();
  }
}

const poisoned = () => new CacheError('ERR_CACHE_POISONED');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function deepFreeze<T extends object>(value: T): T {
  // no recursion: what stands in Redis may be nested as deeply as its size allows
  const left: object[] = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    // what JSON makes has nothing but members of its own
    for (const name in next) {
      const member = (next as Record<string, unknown>)[name];
      if (typeof member === 'object' && member !== null) left.push(member);
    }
    Object.freeze(next);
  }
  return value;
}
