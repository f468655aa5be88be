import type { RedisBreaker, RedisConnection } from './redis-breaker.js';

/** Who is at work on an entry, as Redis has it. A lock that is lost or forged costs a call, never a wrong answer. */
export interface Lock {
  /** Takes the lock if it is free; what it tells of the entry is from after that. */
  acquire(entryName: string, owner: string): Promise<LockState>;
  look(entryName: string, owner: string): Promise<LockState>;
  /** Gives it up, if it is still this owner's. Without an entry to show for it, nobody takes the lock for a while. */
  release(entryName: string, owner: string, isStored: boolean): Promise<void>;
}

export interface LockState {
  /** `nobody`: there is nothing to wait for. */
  readonly holder: 'self' | 'other' | 'nobody';
  /** The value of the entry; empty where there is none. */
  readonly value: Buffer<ArrayBuffer>;
}

export interface LockOptions {
  readonly commandTimeoutSeconds: number;
  /** How much of an entry is fetched. */
  readonly maxEntryBytes: number;
}

/** How long a lock holds when its owner dies, and how long it stays untaken. Longer than anybody waits. */
const lockMilliseconds = 2000;

/** Stands in an owner's place when his work left no entry: what is not to be shared is not worth waiting for. */
const untaken = '-';

/** One script, so that nobody gives up what has run out and is another's by now. */
const giveUp = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('unlink', KEYS[1]) end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1`;

export function createLock(redis: RedisConnection, breaker: RedisBreaker, options: LockOptions): Lock {
  const { commandTimeoutSeconds, maxEntryBytes } = options;
  // the entry's name is in braces: both stand on one server, which answers in order
  const lockOf = (entryName: string) => `${entryName}:lock`;
  const run = <T>(name: string, command: () => Promise<T>) =>
    breaker.run(name, commandTimeoutSeconds, command);

  const ask = (entryName: string) =>
    [redis.get(lockOf(entryName)), redis.getrangeBuffer(entryName, 0, maxEntryBytes)] as const;

  function toState([holder, value]: readonly [string | null, Buffer], owner: string): LockState {
    const isFree = holder === null || holder === untaken;
    return {
      holder: isFree ? 'nobody' : holder === owner ? 'self' : 'other',
      value: value as Buffer<ArrayBuffer>,
    };
  }

  // past the breaker: nobody waits for it, and others would wait for a lock that is nobody's
  async function release(entryName: string, owner: string, isStored: boolean): Promise<void> {
    await redis.eval(giveUp, 1, lockOf(entryName), owner, isStored ? '' : untaken, lockMilliseconds);
  }

  return {
    async acquire(entryName, owner) {
      let sent: Promise<LockState> | undefined;
      const send = () => {
        const taking = redis.set(lockOf(entryName), owner, 'PX', lockMilliseconds, 'NX');
        sent = Promise.all([taking, ...ask(entryName)]).then(([, ...answers]) => toState(answers, owner));
        return sent;
      };
      try {
        return await run(entryName, send);
      } catch (error) {
        // taken too late for us, and others need not wait for it
        sent
          ?.then(({ holder }) => (holder === 'self' ? release(entryName, owner, false) : undefined))
          .catch(() => {});
        throw error;
      }
    },
    async look(entryName, owner) {
      return toState(await run(entryName, () => Promise.all(ask(entryName))), owner);
    },
    release,
  };
}
