import type { RedisBreaker, RedisConnection } from './redis-breaker.js';
import { messageBytes } from './revocation-messages.js';
import type { Bytes } from './sealing-primitives.js';

/** The messages of late, kept in Redis for those who were not there to hear them. */
export interface RevocationRecord {
  /**
   * Keeps a message and tells it to all who listen, who hear of it even where it could not be kept.
   * @throws {CacheError} when one of both failed.
   */
  publish(name: string, message: Bytes): Promise<void>;
  /**
   * Hands over what is kept, oldest first.
   * @param after A position that it returned before; without it, from the beginning.
   * @returns the position of the last message.
   * @throws {CacheError}
   */
  read(
    name: string,
    after: string | undefined,
    take: (message: Bytes) => Promise<void>,
  ): Promise<string | undefined>;
}

export interface RevocationRecordOptions {
  readonly memorySeconds: number;
  readonly commandTimeoutSeconds: number;
}

/** How many messages are read at a time, so that neither Redis nor this process is busy with them for long. */
const pageSize = 500;

/** Trimmed by Redis' own clock. The channel has the name of the key, whatever prefix the connection adds. */
const publishScript = `
local oldest = redis.call('time')[1] - ARGV[2]
local function keep()
  return redis.pcall('xadd', KEYS[1], 'minid', '~', string.format('%d000', oldest), '*', 'm', ARGV[1])
end
local kept = keep()
if type(kept) == 'table' and string.sub(kept.err, 1, 9) == 'WRONGTYPE' then
  redis.call('del', KEYS[1])
  kept = keep()
end
redis.call('publish', KEYS[1], ARGV[1])
if type(kept) == 'table' then return kept end
redis.call('expire', KEYS[1], ARGV[2])
return 1`;

/** What has not the length of a message is not even fetched. */
const readScript = `
local messages = {}
local last = false
for _, entry in ipairs(redis.call('xrange', KEYS[1], ARGV[1], '+', 'count', ARGV[2])) do
  last = entry[1]
  local message = entry[2][2]
  if #message == tonumber(ARGV[3]) then messages[#messages + 1] = message end
end
return {last, messages}`;

export function createRevocationRecord(
  redis: RedisConnection,
  breaker: RedisBreaker,
  { memorySeconds, commandTimeoutSeconds }: RevocationRecordOptions,
): RevocationRecord {
  const wholeSeconds = Math.ceil(memorySeconds);

  async function readPage(name: string, after: string | undefined) {
    const from = after === undefined ? '-' : `(${after}`;
    const reply = await breaker.run(name, commandTimeoutSeconds, () =>
      redis.callBuffer('eval', readScript, 1, name, from, pageSize, messageBytes),
    );
    const [last, messages] = reply as [Bytes | null, Bytes[]];
    return { last: last?.toString(), messages };
  }

  return {
    async publish(name, message) {
      await breaker.run(name, commandTimeoutSeconds, () =>
        redis.eval(publishScript, 1, name, message, wholeSeconds),
      );
    },
    async read(name, after, take) {
      for (let position = after; ; ) {
        const { last, messages } = await readPage(name, position);
        if (last === undefined) return position;
        position = last;
        for (const message of messages) await take(message);
      }
    },
  };
}
