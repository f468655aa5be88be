import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { nonEmpty, optionalFunction, refuseUnknown, wholeNumber } from './option-checks.js';
import { type ReadAddress, type RedisAddress, readAddresses, readUrl } from './redis-address.js';
import { type RedisState, watchState } from './redis-state.js';
import { type RedisTls, readTls } from './redis-tls.js';

interface CommonOptions {
  /** The user of the ACL (Redis 6). Default: `default`. */
  readonly username?: string;
  readonly password?: string;
  /** `true` is TLS with the certificate authorities that the runtime trusts; a `rediss:` URL says so too. */
  readonly tls?: boolean | RedisTls;
  /** Told whenever Redis becomes usable or stops being so; the first time when it is known. */
  readonly onStateChange?: (state: RedisState) => void;
}

/** One server. */
export interface ConnectStandaloneOptions extends CommonOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, or `rediss:` for TLS. Credentials are here or in the options, not in both. */
  readonly url: string | URL;
}

/** The primary that Sentinels watch over. */
export interface ConnectSentinelOptions extends CommonOptions {
  readonly sentinels: readonly RedisAddress[];
  /** What the Sentinels call the primary and its replicas together. */
  readonly name: string;
  /** The credentials for the Sentinels themselves. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly db?: number;
}

/** A Redis Cluster. */
export interface ConnectClusterOptions extends CommonOptions {
  /** Some of its servers; the others are found through them. */
  readonly cluster: readonly RedisAddress[];
}

export type ConnectRedisOptions = ConnectStandaloneOptions | ConnectSentinelOptions | ConnectClusterOptions;

type Merged = Partial<ConnectStandaloneOptions & ConnectSentinelOptions & ConnectClusterOptions>;

const common = { username: true, password: true, tls: true, onStateChange: true } as const;
const knownFor = {
  url: { ...common, url: true },
  sentinels: {
    ...common,
    sentinels: true,
    name: true,
    sentinelUsername: true,
    sentinelPassword: true,
    db: true,
  },
  cluster: { ...common, cluster: true },
} as const;

/** All sooner or later, and never all instances at once. Milliseconds. */
const retryDelay = (attempt: number) => Math.min(attempt * 100, 1000) * (0.5 + Math.random() / 2);

/** What keeps a connection from ever making anybody wait. Milliseconds. */
const bounds = {
  // nothing queues while Redis is away, and nothing is sent twice
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: 1000,
  connectTimeout: 2000,
  // a server that is gone without a word, or stands still, is looked for anew
  socketTimeout: 3000,
  maxLoadingRetryTime: 500,
} satisfies RedisOptions;

/** A cluster's own retries, short enough to be of use to the command that is waited for. Milliseconds. */
const clusterRetries = {
  maxRedirections: 4,
  retryDelayOnFailover: 20,
  retryDelayOnClusterDown: 20,
  retryDelayOnTryAgain: 10,
  slotsRefreshTimeout: 1000,
  // a primary that stands still never says that it was replaced
  slotsRefreshInterval: 5000,
};

/**
 * Opens a connection for `redisCache` and `redisReplayStore` that never hangs a request: nothing queues, every command and
 * every attempt to connect has an end, and it reconnects for as long as it is not closed with `disconnect()` or `quit()`.
 * It does not wait for Redis to be there. Passwords show in no error and under no inspection.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function connectRedis(options: ConnectRedisOptions): Redis | Cluster {
  const form = formOf(options);
  refuseUnknown('connectRedis', options, knownFor[form]);
  const merged: Merged = options;
  const onStateChange = optionalFunction('onStateChange', merged.onStateChange);
  const redis = connect[form](merged);
  hide(redis);
  watchState(redis, onStateChange);
  return redis;
}

function formOf(options: ConnectRedisOptions): keyof typeof knownFor {
  const forms = (['url', 'sentinels', 'cluster'] as const).filter(
    (name) => (options as Merged | undefined)?.[name] !== undefined,
  );
  const [form] = forms;
  if (form === undefined || forms.length > 1)
    throw new TypeError('connectRedis needs one of url, sentinels with name, and cluster');
  return form;
}

const connect: Record<keyof typeof knownFor, (options: Merged) => Redis | Cluster> = {
  url({ url, tls, ...options }) {
    const { host, port = 6379, db = 0, isTls, username, password } = readUrl('url', url);
    const isTwice = (username !== undefined || password !== undefined) && hasCredentials(options);
    if (isTwice)
      throw new TypeError('username and password must be in the url or in the options, not in both');
    return new Redis({
      ...bounds,
      ...credentials({ username, password, ...options }),
      ...tlsOf(readTls(tls, isTls)),
      ...reconnecting(),
      host,
      port,
      db,
    });
  },

  sentinels({ sentinels, name, tls, db = 0, ...options }) {
    const addresses = readAddresses('sentinels', sentinels);
    const isTls = addresses[0]?.isTls;
    const secured = readTls(tls, isTls);
    return new Redis({
      ...bounds,
      ...credentials(options),
      ...tlsOf(secured),
      ...(secured && { enableTLSForSentinelMode: true }),
      ...(secured && isTls !== false && { sentinelTLS: secured }),
      ...sentinelCredentials(options),
      sentinelCommandTimeout: bounds.commandTimeout,
      sentinelRetryStrategy: retryDelay,
      ...reconnecting(),
      sentinels: addresses.map((address) => withPort(address, 26_379)),
      name: nonEmpty('name', name),
      db: wholeNumber('db', db, 0),
    });
  },

  cluster({ cluster, tls, ...options }) {
    const addresses = readAddresses('cluster', cluster);
    return new Cluster(
      addresses.map((address) => withPort(address, 6379)),
      {
        ...clusterRetries,
        clusterRetryStrategy: retryDelay,
        enableOfflineQueue: false,
        // names stay names, as certificates have them
        dnsLookup: (address, callback) => callback(null, address),
        redisOptions: { ...bounds, ...credentials(options), ...tlsOf(readTls(tls, addresses[0]?.isTls)) },
      },
    );
  },
};

const withPort = ({ host, port }: ReadAddress, usual: number) => ({ host, port: port ?? usual });

const tlsOf = (tls: ReturnType<typeof readTls>) => (tls === undefined ? {} : { tls });

const hasCredentials = ({ username, password }: Credentials) =>
  username !== undefined || password !== undefined;

interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

function credentials({ username, password }: Credentials) {
  if (username !== undefined && password === undefined)
    throw new TypeError('username needs a password beside it');
  return {
    ...(username !== undefined && { username: nonEmpty('username', username) }),
    ...(password !== undefined && { password: nonEmpty('password', password) }),
  };
}

function sentinelCredentials({ sentinelUsername, sentinelPassword }: Merged) {
  return {
    ...(sentinelUsername !== undefined && {
      sentinelUsername: nonEmpty('sentinelUsername', sentinelUsername),
    }),
    ...(sentinelPassword !== undefined && {
      sentinelPassword: nonEmpty('sentinelPassword', sentinelPassword),
    }),
  };
}

function reconnecting() {
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    retryStrategy: retryDelay,
    // a primary that became a replica keeps its connections: the new one is looked for, at most once a second
    reconnectOnError({ message }: Error) {
      if (!message.startsWith('READONLY') || performance.now() - lastAt < 1000) return false;
      lastAt = performance.now();
      return true;
    },
  };
}

/** The driver keeps passwords as they are; whoever logs a connection or its options gets to see its state alone. */
function hide(redis: Redis | Cluster): void {
  const state = () => ({ status: redis.status });
  const ofNodes = 'redisOptions' in redis.options ? redis.options.redisOptions : undefined;
  if ('slots' in redis) redis.on('+node', hide);
  for (const target of [redis, redis.options, ofNodes]) {
    if (target === undefined) continue;
    Object.defineProperty(target, Symbol.for('nodejs.util.inspect.custom'), { value: state });
    Object.defineProperty(target, 'toJSON', { value: state });
  }
}
