import type { CacheEntry, Claims } from '@phantom-token/core';
import { CacheError } from './cache-error.js';

/** What stands outside of what is sealed, in clear. */
export interface EntryDates {
  /** NumericDate. */
  readonly expiresAt: number;
  /** NumericDate of the writer's clock, where it was said. */
  readonly storedAt?: number | undefined;
}

/** What is sealed of an active entry; its dates stand outside. */
export function serialize(jwt: string, claims: Claims): string {
  return JSON.stringify({ jwt, claims });
}

/**
 * Reads it back, frozen deeply.
 * @throws {CacheError} ERR_CACHE_POISONED for what is no such text.
 */
export function parse(text: string, { expiresAt, storedAt }: EntryDates): CacheEntry {
  const value = parseJson(text);
  if (!isObject(value)) throw poisoned();
  const { jwt, claims } = value;
  if (typeof jwt !== 'string' || !isObject(claims)) throw poisoned();
  const result = { active: true, jwt, claims } as const;
  return deepFreeze(storedAt === undefined ? { result, expiresAt } : { result, expiresAt, storedAt });
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
