import type { PhantomTokenClientOptions } from '@phantom-token/core';
import type { RedisRevocationsOptions } from '../../src/redis-revocations.js';
import type { Address } from './address.js';
import { type Fleet, type FleetOptions, type Instance, startFleet } from './fleet.js';
import { together } from './owned.js';
import { openParty, type Party } from './revocations.js';

/** An instance that tells the others what it revokes. */
export interface RevokingInstance extends Instance {
  /** Hears and is told of gaps as its client does, just before. */
  readonly party: Party;
}

export interface RevokingFleet extends Fleet {
  readonly instances: readonly RevokingInstance[];
  /** Resolves when all of them use the tier and hear each other. */
  ready(): Promise<void>;
}

export interface RevokingFleetOptions extends Omit<FleetOptions, 'client'> {
  readonly client?: Partial<PhantomTokenClientOptions>;
  /** Of each instance's channel, by its index. */
  readonly channel?: (index: number) => Partial<RedisRevocationsOptions>;
}

/** Instances whose clients share a topology and a channel on it; each has connections of its own. */
export const startRevokingFleet = (address: Address, options: RevokingFleetOptions): Promise<RevokingFleet> =>
  together(async (own) => {
    const { channel = () => ({}), client, ...others } = options;
    const parties = await Promise.all(
      Array.from({ length: options.size ?? 8 }, (_, index) =>
        own(Promise.resolve(openParty(address, channel(index)))),
      ),
    );
    const fleet = await own(
      startFleet(address, {
        ...others,
        client: (index) => ({ ...client, revocations: (parties[index] as Party).channel }),
      }),
    );
    const instances = fleet.instances.map((instance, index) => ({
      ...instance,
      party: parties[index] as Party,
    }));
    return {
      ...fleet,
      instances,
      async ready() {
        await fleet.share();
        await Promise.all(parties.map((party) => party.listening()));
      },
    };
  });
