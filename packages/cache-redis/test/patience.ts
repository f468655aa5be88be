import type { Cluster, Redis } from 'ioredis';

/** Longer than a machine stands still: for what is about something else than time. Seconds. */
export const patienceSeconds = 20;

const bounds = {
  commandTimeout: patienceSeconds * 1000,
  connectTimeout: patienceSeconds * 1000,
  socketTimeout: patienceSeconds * 1000,
};

/** Has a connection that was just opened wait as long, instead of within the bounds that the package sets. */
export function bePatient(redis: Redis | Cluster): void {
  if ('slots' in redis) redis.on('+node', (node: Redis) => Object.assign(node.options, bounds));
  else Object.assign(redis.options, bounds);
}
