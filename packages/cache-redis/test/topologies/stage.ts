import type { Address } from './address.js';
import { type Authority, startAuthority } from './authority.js';
import { type Fleet, type FleetOptions, startFleet } from './fleet.js';
import { forTest } from './owned.js';

export interface Stage {
  readonly authority: Authority;
  readonly fleet: Fleet;
}

/** An authorization server, and instances that ask it and share what is at this address. Ends with the test. */
export async function setStage(
  address: Address | ((index: number) => Address),
  options: Omit<FleetOptions, 'endpoint'> = {},
): Promise<Stage> {
  const authority = await forTest(startAuthority());
  const fleet = await forTest(startFleet(address, { endpoint: authority.endpoint, ...options }));
  return { authority, fleet };
}
