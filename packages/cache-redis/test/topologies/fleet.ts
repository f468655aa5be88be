import { canaries } from '@phantom-token/conformance';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  type PhantomTokenClient,
  type PhantomTokenClientOptions,
  type PhantomTokenEvent,
  type TokenCache,
  tieredCache,
} from '@phantom-token/core';
import { patienceSeconds } from '../patience.js';
import type { Address } from './address.js';
import { eventually } from './eventually.js';
import type { Owned } from './owned.js';
import { type Connection, openCache, openConnection, type SharedTierOptions } from './shared-tier.js';

/** One instance of a service: memory of its own in front of the shared tier. */
export interface Instance {
  readonly client: PhantomTokenClient;
  readonly connection: Connection;
  /** How often the client told of each failure of the cache, by its code; not of claims that ran out, as on a busy machine. */
  readonly cacheErrors: ReadonlyMap<string, number>;
}

export interface Fleet extends Owned {
  readonly instances: readonly Instance[];
  /** What one request may take, with all that it waits for. */
  readonly longestWaitSeconds: number;
  /** Resolves when all of them have reached their Redis. */
  connected(): Promise<void>;
  /** Resolves when each has found what another stored: the tier is in use, by all of them. */
  share(withinSeconds?: number): Promise<void>;
}

type PerInstance<T> = T | ((index: number) => T);

const forInstance = <T extends object | number>(value: PerInstance<T>, index: number): T =>
  typeof value === 'function' ? value(index) : value;

export interface FleetOptions {
  readonly size?: number;
  readonly endpoint: string;
  /** Whether they wait for Redis as long as it takes, so that a busy machine is no miss. Default: as the package has it. */
  readonly isPatient?: boolean;
  /** What follows may be given for each instance by its index. */
  readonly tier?: PerInstance<SharedTierOptions>;
  readonly client?: PerInstance<Partial<PhantomTokenClientOptions>>;
  /** How many tokens the memory of each instance holds; 0 for no memory. Default: as many as it holds by default. */
  readonly memoryEntries?: PerInstance<number>;
  /** Stands between the client and the shared tier. */
  readonly wrap?: (tier: TokenCache) => TokenCache;
  readonly onEvent?: (event: PhantomTokenEvent) => void;
}

/** How many tokens in a row show that: enough to meet every server of a cluster, as a rule. */
const probesIn = ({ connection: { redis } }: Instance) => ('slots' in redis ? 6 : 1);

/** The whole time that an introspection may take: longer than anything that a test allows, so that it hides no hanging. */
const clientTimeoutSeconds = 3 * patienceSeconds;
/** So that nobody has to ask twice, however slow the machine. */
const longestTestSeconds = 600;
/** Two commands of 0.05 s each, the authorization server, and some more. */
const usualWaitSeconds = 2;

/** Starts instances that share a topology and know nothing else of each other; how an address leads to it may differ. */
export function startFleet(address: PerInstance<Address>, options: FleetOptions): Promise<Fleet> {
  const size = options.size ?? 8;
  const instances = Array.from({ length: size }, (_, index) =>
    startInstance(forInstance(address, index), options, index),
  );
  let probes = 0;
  return Promise.resolve({
    instances,
    longestWaitSeconds: options.isPatient ? clientTimeoutSeconds : usualWaitSeconds,
    connected: () =>
      eventually('every instance is connected', () =>
        instances.every(({ connection }) => connection.redis.status === 'ready'),
      ),
    share: (withinSeconds) => {
      const proven = new Set<Instance>();
      return eventually(
        'every instance finds what the one before it stored',
        async () => {
          const round = probes++;
          for (const [index, reader] of instances.entries()) {
            const writer = instances.at(index - 1) as Instance;
            if (!proven.has(reader) && (await finds(reader, writer, `probe-${round}-${index}`)))
              proven.add(reader);
          }
          return proven.size === size;
        },
        withinSeconds,
      );
    },
    async end() {
      await Promise.all(instances.map(({ connection }) => connection.end()));
    },
  });
}

/** One after the other, since this process is one for all instances and Redis is not to blame for that. */
async function finds(reader: Instance, writer: Instance, name: string): Promise<boolean> {
  for (let probe = 0; probe < probesIn(reader); probe++) {
    await writer.client.exchange(`${name}-${probe}`);
    if ((await reader.client.exchange(`${name}-${probe}`)).source !== 'shared') return false;
  }
  return true;
}

function startInstance(address: Address, options: FleetOptions, index: number): Instance {
  const connection = openConnection(address, options.isPatient);
  const cacheErrors = new Map<string, number>();
  const { memoryEntries, onEvent, tier = {}, client: clientOptions = {}, wrap = (it) => it } = options;
  const patience = options.isPatient ? { commandTimeoutSeconds: patienceSeconds } : {};
  const far = wrap(openCache(connection.redis, { ...patience, ...forInstance(tier, index) }));
  const maxEntries = memoryEntries === undefined ? undefined : forInstance(memoryEntries, index);
  const near = memoryCache(maxEntries ? { maxEntries } : {});
  const client = createPhantomTokenClient({
    introspectionEndpoint: options.endpoint,
    clientAuth: clientSecretBasic('instance', canaries.secret),
    cache: maxEntries === 0 ? far : tieredCache(near, far),
    timeoutSeconds: clientTimeoutSeconds,
    // what counts here is the tier's own
    cacheTimeoutSeconds: patienceSeconds,
    inactiveTtlSeconds: longestTestSeconds,
    ...forInstance(clientOptions, index),
    onEvent(event) {
      if (event.type === 'cache_error' && !(event.operation === 'claim' && event.code === 'ERR_TIMEOUT'))
        cacheErrors.set(event.code, (cacheErrors.get(event.code) ?? 0) + 1);
      onEvent?.(event);
    },
  });
  return { client, connection, cacheErrors };
}

/** How often the instances told of each failure of the cache. */
export function failuresOf({ instances }: Fleet): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { cacheErrors } of instances)
    for (const [code, count] of cacheErrors) sums[code] = (sums[code] ?? 0) + count;
  return sums;
}
