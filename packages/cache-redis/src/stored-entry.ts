import type { CacheEntry, Claims } from '@phantom-token/core';
import { CacheError } from './cache-error.js';
import type { OpenEntry } from './sealed-entry.js';

/** What is sealed of an active entry; its dates stand outside. */
export function serialize(jwt: string, claims: Claims): string {
  return JSON.stringify({ jwt, claims });
}

/**
 * Reads it back, frozen deeply.
 * @throws {CacheError} ERR_CACHE_POISONED for what is no such text.
 */
export function parse({ text, ...dates }: OpenEntry): CacheEntry {
  const value = parseJson(text);
  if (!isObject(value)) throw poisoned();
  const { jwt, claims } = value;
  if (typeof jwt !== 'string' || !isObject(claims)) throw poisoned();
  return deepFreeze({ result: { active: true, jwt, claims }, ...dates });
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
    for (const member of Object.values(next))
      if (typeof member === 'object' && member !== null) left.push(member);
    Object.freeze(next);
  }
  return value;
}
