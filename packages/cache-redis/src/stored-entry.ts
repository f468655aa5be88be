import type { CacheEntry, Claims } from '@phantom-token/core';
import { CacheError } from './cache-error.js';

/** Changes with the form of the value; an entry of another version is no entry. */
const version = 1;

/** The value as it stands in Redis. The deadline inside governs; Redis' own time to live only clears away. */
export function serialize(expiresAt: number, jwt: string, claims: Claims): string {
  return JSON.stringify({ version, expiresAt, jwt, claims });
}

/**
 * Reads a value that anybody may have written.
 * @throws {CacheError} ERR_CACHE_POISONED for what no release ever wrote.
 */
export function parse(text: string): CacheEntry | undefined {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) throw new CacheError('ERR_CACHE_POISONED');
  const { version: writtenBy, expiresAt, jwt, claims } = value as Record<string, unknown>;
  if (typeof writtenBy === 'number' && writtenBy !== version) return undefined;
  const isComplete =
    writtenBy === version && typeof expiresAt === 'number' && typeof jwt === 'string' && isClaims(claims);
  if (!isComplete) throw new CacheError('ERR_CACHE_POISONED');
  return deepFreeze({ result: { active: true, jwt, claims }, expiresAt });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CacheError('ERR_CACHE_POISONED');
  }
}

const isClaims = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
