import type { CacheEntry, Claims } from './cache.js';

/**
 * What an entry in use takes beside its texts: the map's and the list's nodes, the key, the entry itself, the access
 * token made of it and the digests it can be revoked by. Measured by `benchmarks/memory.mjs`, rounded up.
 */
const entryOverhead = 1000;
const textOverhead = 24;
const memberOverhead = 40;
const elementOverhead = 8;
const objectOverhead = 32;

/**
 * About how much heap an active entry takes once it is used. Its JWT counts twice, since `Bearer <jwt>` is a text of its
 * own. Measured on Node 20 with JWTs that are mostly roles: 4.0 KB for one of 1 KB, 7.6 for 2, 14.9 for 4; the estimate is
 * within a tenth of that.
 */
export function entryBytes({ result }: CacheEntry): number {
  if (!result.active) return entryOverhead;
  return entryOverhead + 2 * (result.jwt.length + textOverhead) + claimsBytes(result.claims);
}

function claimsBytes(claims: Claims): number {
  let bytes = 0;
  // no recursion: claims may be nested as deeply as their size allows
  const left: unknown[] = [claims];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === 'string') bytes += textOverhead + value.length * (isWide(value) ? 2 : 1);
    if (typeof value !== 'object' || value === null) continue;
    const members = Object.values(value);
    bytes += objectOverhead + members.length * (Array.isArray(value) ? elementOverhead : memberOverhead);
    for (const member of members) left.push(member);
  }
  return bytes;
}

/** Whether a text has a character beyond Latin-1, for which V8 takes two bytes for each. */
function isWide(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0xff) return true;
  return false;
}
