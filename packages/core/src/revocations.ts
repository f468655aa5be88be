import type { CacheEntry } from './cache.js';
import { createCacheKey } from './cache-key.js';
import type { Emit } from './events.js';
import { nonEmpty } from './option-checks.js';
import type { ResolvedClientOptions } from './resolved-client-options.js';
import type { TolerantCache } from './tolerant-cache.js';
import { createTombstones, type Tombstones } from './tombstones.js';

/** What an answer can be revoked by: digests of its token, its subject and its session. */
export type Digests = readonly string[];

/** What was revoked, here and elsewhere, and what follows from that. */
export interface Revocations {
  /** An entry that was judged at this generation need not be judged again. */
  readonly tombstones: Pick<Tombstones, 'generation'>;
  digestsOf(token: string, entry: CacheEntry): Digests | Promise<Digests>;
  /** Whether an entry was asked for before something that it carries was revoked. Inactive ones are never revoked. */
  cover(entry: CacheEntry, digests: Digests): boolean;
  /** Both in one; at once where nothing was ever revoked. */
  isRevoked(token: string, entry: CacheEntry): boolean | Promise<boolean>;
  /** Notes when this process began to ask for an entry, which tells more than any clock. */
  noteAsked(entry: CacheEntry, generation: number): void;
  /** Revokes here at once, and elsewhere: rejects when the channel could not. */
  revokeToken(token: string, by: 'caller' | 'server'): Promise<void>;
  /** Revokes here alone: nobody hears of it. */
  buryToken(token: string): Promise<void>;
  revokeSubject(subject: string): Promise<void>;
  revokeSession(session: string): Promise<void>;
  /** Hears of no more revocations. */
  close(): void;
}

const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{43}$/.test(value);

export function createRevocations(
  options: ResolvedClientOptions,
  cache: TolerantCache,
  emit: Emit | undefined,
): Revocations {
  const { now, revocations: channel, maxTtlSeconds, timeoutSeconds, staleIfErrorSeconds } = options;
  const tombstones = createTombstones(maxTtlSeconds + timeoutSeconds + staleIfErrorSeconds);
  const askedAt = new WeakMap<CacheEntry, number>();
  // all clients of an issuer agree on these, whatever their credentials and options
  const issuer = options.issuer ?? options.introspectionEndpoint;
  const digestOfToken = createCacheKey(['revocation', 'token', issuer]);
  const digestOfSubject = createCacheKey(['revocation', 'subject', issuer]);
  const digestOfSession = createCacheKey(['revocation', 'session', issuer]);

  const stop = channel?.subscribe(
    (digest) => {
      if (!isDigest(digest)) return;
      tombstones.bury(digest, now());
      emit?.({ type: 'revoked', by: 'channel' });
    },
    () => {
      // what was missed may concern all that memory holds, and whatever is in the air
      tombstones.buryAll(now(), cache.memory === undefined);
      cache.memory?.clear();
      emit?.({ type: 'revocation_gap' });
    },
  );

  async function revoke(digested: string | Promise<string>, by: 'caller' | 'server'): Promise<void> {
    const digest = typeof digested === 'string' ? digested : await digested;
    tombstones.bury(digest, now());
    emit?.({ type: 'revoked', by });
    await channel?.publish(digest);
  }

  function digestsOf(token: string, { result }: CacheEntry): Digests | Promise<Digests> {
    const digests = [digestOfToken(token)];
    if (result.active) {
      const { sub, sid } = result.claims;
      if (sub !== undefined) digests.push(digestOfSubject(sub));
      if (typeof sid === 'string') digests.push(digestOfSession(sid));
    }
    return digests.every((digest) => typeof digest === 'string') ? digests : Promise.all(digests);
  }

  const cover = (entry: CacheEntry, digests: Digests) =>
    entry.result.active && tombstones.cover(digests, entry, askedAt.get(entry));

  return {
    tombstones,
    digestsOf,
    cover,
    isRevoked(token, entry) {
      if (tombstones.generation === 0 || !entry.result.active) return false;
      const digests = digestsOf(token, entry);
      return digests instanceof Promise ? digests.then((them) => cover(entry, them)) : cover(entry, digests);
    },
    noteAsked: (entry, generation) => void askedAt.set(entry, generation),
    revokeToken: (token, by) => revoke(digestOfToken(token), by),
    buryToken: async (token) => tombstones.bury(await digestOfToken(token), now()),
    revokeSubject: async (subject) => revoke(digestOfSubject(nonEmpty('sub', subject)), 'caller'),
    revokeSession: async (session) => revoke(digestOfSession(nonEmpty('sid', session)), 'caller'),
    close: () => stop?.(),
  };
}
