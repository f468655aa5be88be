import { createRecentNonces, type RecentNonces } from './recent-nonces.js';

export interface Listener {
  readonly hear: (digest: string) => void;
  readonly gap: () => void;
}

/** Who listens in this process, and who has heard what. */
export interface RevocationAudience {
  readonly isEmpty: boolean;
  /** Somebody who has heard nothing yet. The same functions may come twice. */
  join(listener: Listener): Member;
  /** Whether they were still there. */
  leave(member: Member): boolean;
  leaveAll(): void;
  /** Those who have not been told yet what was kept before they came. */
  latecomers(): readonly Member[];
  /** Whether somebody has not heard the message with this nonce. */
  isNews(nonce: string): boolean;
  /** Tells it to those who have not heard it. */
  spread(nonce: string, digest: string): void;
  /** Tells everybody that something may have been missed. */
  gap(): void;
}

export interface Member {
  isCaughtUp: boolean;
}

interface KnownMember extends Member {
  readonly listener: Listener;
  readonly known: RecentNonces;
}

export function createRevocationAudience(): RevocationAudience {
  const members = new Set<KnownMember>();
  return {
    get isEmpty() {
      return members.size === 0;
    },
    join(listener) {
      const member = { listener, known: createRecentNonces(), isCaughtUp: false };
      members.add(member);
      return member;
    },
    leave: (member) => members.delete(member as KnownMember),
    leaveAll: () => members.clear(),
    latecomers: () => [...members].filter(({ isCaughtUp }) => !isCaughtUp),
    isNews(nonce) {
      for (const { known } of members) if (!known.has(nonce)) return true;
      return false;
    },
    spread(nonce, digest) {
      for (const { known, listener } of [...members]) {
        if (known.has(nonce)) continue;
        known.add(nonce);
        quietly(() => listener.hear(digest));
      }
    },
    gap() {
      for (const { listener } of [...members]) quietly(listener.gap);
    },
  };
}

/** A listener or a hook that fails is its owner's matter; the others are to hear of it all the same. */
export function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // there is nobody to tell
  }
}
