import { createRecentMap } from './recent-map.js';

interface NodeCrypto {
  readonly hash?: (algorithm: 'sha256', data: string | Uint8Array, encoding: 'base64url') => string;
}
interface NodeProcess {
  readonly getBuiltinModule?: (name: 'crypto') => NodeCrypto | undefined;
}

// found at run time: an import would tie this entry to Node, and WebCrypto's digest costs fifty times as much
const hash = (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('crypto')?.hash;

/** The SHA-256 digest of bytes, or of a string's as UTF-8, base64url; a promise only where the runtime hashes asynchronously. */
export const sha256: (data: string | Uint8Array) => string | Promise<string> = hash
  ? (data) => hash('sha256', data, 'base64url')
  : webSha256;

/** `sha256` for runtimes that only have WebCrypto. */
export async function webSha256(data: string | Uint8Array): Promise<string> {
  // a copy of bytes, since WebCrypto takes no view of shared memory
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  const binary = String.fromCharCode(...new Uint8Array(digest));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Changes with every change of what an entry means, so that releases that share a cache never misread each other. */
const formatVersion = 'phantom-token/1';

const lengthPrefixed = (part: string) => `${part.length}:${part}`;

/**
 * Makes the function from a presented token to its cache key: a digest over everything that can change the answer,
 * every part length-prefixed so that no two contexts run together. The keys of recent tokens are kept in this process,
 * since a hash costs more than all else that a hit does.
 */
export function createCacheKey(
  context: readonly string[],
  digest: typeof sha256 = sha256,
): (token: string) => string | Promise<string> {
  const prefix = digest([formatVersion, ...context].map(lengthPrefixed).join(''));
  if (typeof prefix !== 'string') return async (token) => digest((await prefix) + lengthPrefixed(token));
  const recent = createRecentMap<string | Promise<string>>();
  return (token) => recent.get(token) ?? recent.set(token, digest(prefix + lengthPrefixed(token)));
}
