import { readFileSync } from 'node:fs';
import { connectRedis, type RedisState } from '@phantom-token/cache-redis';
import type { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from './config-cache.js';
import { defined } from './defined.js';
import type { Log } from './log.js';
import { parseRedisAddress } from './redis-address.js';

/** The connection that a configuration describes. One log line a change of state; requests go on without it. */
export function openRedis(options: RedisOptions, log: Log): Redis | Cluster {
  const { url, sentinels, name, cluster, username, password, sentinelUsername, sentinelPassword, tls } =
    options;
  return connectRedis(
    defined({
      url,
      sentinels: sentinels?.map(parseRedisAddress),
      name,
      cluster: cluster?.map(parseRedisAddress),
      username,
      password,
      sentinelUsername,
      sentinelPassword,
      tls: tls && readTls(tls),
      onStateChange: report(log),
    }) as Parameters<typeof connectRedis>[0],
  );
}

function readTls({ caFile, certFile, keyFile }: NonNullable<RedisOptions['tls']>) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  return defined({ ca: read(caFile), cert: read(certFile), key: read(keyFile) });
}

function report(log: Log): (state: RedisState) => void {
  let wasDown = false;
  return (state) => {
    if (!state.isUp)
      log.warn({ code: state.code }, 'the shared cache cannot be reached; going on without it');
    else if (wasDown) log.info('the shared cache is back');
    wasDown = !state.isUp;
  };
}
