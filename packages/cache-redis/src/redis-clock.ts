import { atMost } from './at-most.js';
import type { RedisConnection } from './redis-breaker.js';

/** What instances with different clocks have in common. Only ever to end entries sooner: Redis may lie. */
export interface RedisClock {
  /** How far it is ahead of ours, as last heard. Seconds; 0 until it is known, and for what may be a delay. */
  aheadSeconds(): number;
}

/** How often it is read while somebody asks. Seconds. */
const readEvery = 60;
/** Clocks that differ by no more count as one. Seconds. */
const toleranceSeconds = 1;

export function createRedisClock(redis: RedisConnection, timeoutSeconds: number): RedisClock {
  let ahead = 0;
  let readAt = Number.NEGATIVE_INFINITY;

  async function read(): Promise<void> {
    const askedAt = Date.now() / 1000;
    const [seconds, microseconds] = await atMost(timeoutSeconds, redis.time());
    const at = Number(seconds) + Number(microseconds) / 1e6;
    const difference = at - Date.now() / 1000;
    // what the way there and back took is no difference; so written that what is no time counts for nothing
    const isApart = difference > toleranceSeconds || at < askedAt - toleranceSeconds;
    ahead = isApart ? difference : 0;
  }

  function readAtTimes(): void {
    const at = performance.now() / 1000;
    if (at - readAt < readEvery || redis.status !== 'ready') return;
    readAt = at;
    // nobody waits for it, and who may not ask goes by his own clock
    read().catch(() => {});
  }

  redis.on('ready', () => {
    readAt = Number.NEGATIVE_INFINITY;
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
