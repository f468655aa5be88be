import type { RedisConnection } from './redis-breaker.js';
import type { Bytes } from './sealing-primitives.js';

/** What stands at a key. */
export interface StoredValue {
  /** Empty where there is nothing. */
  readonly value: Bytes;
  /** How long it still stands there by Redis' own clock: what bounds it where the writer's clock and ours differ. */
  readonly secondsLeft: number;
}

/** @param maxBytes One byte more than that is fetched of what is larger, and no more. */
export async function fetchValue(
  redis: RedisConnection,
  name: string,
  maxBytes: number,
): Promise<StoredValue> {
  const [value, milliseconds] = await Promise.all([
    redis.getrangeBuffer(name, 0, maxBytes),
    redis.pttl(name),
  ]);
  // without an end it is not as we left it, and its own date has to do
  const secondsLeft = milliseconds === -1 ? Number.POSITIVE_INFINITY : milliseconds / 1000;
  return { value: value as Bytes, secondsLeft };
}
