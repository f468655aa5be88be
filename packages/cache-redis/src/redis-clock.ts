import type { RedisConnection } from './redis-breaker.js';

/** What instances with different clocks have in common. Only ever to end entries sooner: Redis may lie. */
export interface RedisClock {
  /** How far it is ahead of ours, as last heard. Seconds; 0 until it is known, and for what may be a delay. */
  aheadSeconds(): number;
}

/** How often it is read while somebody asks. Seconds. */
const readEvery = 60;
/** How soon it is tried again where that failed. Seconds. */
const retryEvery = 1;
/** Clocks that differ by no more count as one. Seconds. */
const toleranceSeconds = 1;

const clocks = new WeakMap<RedisConnection, RedisClock>();

/** The clock behind a connection: all that use the connection share it. */
export function clockOf(redis: RedisConnection): RedisClock {
  const known = clocks.get(redis);
  if (known !== undefined) return known;
  const made = createRedisClock(redis);
  clocks.set(redis, made);
  return made;
}

export function createRedisClock(redis: RedisConnection): RedisClock {
  let ahead = 0;
  let dueAt = Number.NEGATIVE_INFINITY;

  async function read(): Promise<void> {
    const askedAt = Date.now() / 1000;
    const [seconds, microseconds] = await redis.time();
    const at = Number(seconds) + Number(microseconds) / 1e6;
    const difference = at - Date.now() / 1000;
    // what the way there and back took is no difference; so written that what is no time counts for nothing
    const isApart = difference > toleranceSeconds || at < askedAt - toleranceSeconds;
    ahead = isApart ? difference : 0;
  }

  function readAtTimes(): void {
    const at = performance.now() / 1000;
    if (at < dueAt || redis.status !== 'ready') return;
    dueAt = at + readEvery;
    // nobody waits for it, and who may not ask goes by his own clock
    read().catch(() => {
      dueAt = performance.now() / 1000 + retryEvery;
    });
  }

  redis.on('ready', () => {
    dueAt = Number.NEGATIVE_INFINITY;
    readAtTimes();
  });
  readAtTimes();

  return {
    aheadSeconds() {
      readAtTimes();
      return ahead;
    },
  };
}
