import type { PhantomTokenClient } from '@phantom-token/core';
import type { Listening } from './listening.js';

export interface GatewayOptions {
  readonly client: PhantomTokenClient;
  /** Where the API is. */
  readonly upstream: string;
  readonly requiredScopes: readonly string[];
  /** Off only to break the story on purpose. */
  readonly guarded: boolean;
  /** Off only to break the story on purpose. */
  readonly replaceAuthorization: boolean;
}

/** `/orders` wants the scopes; everything else wants a good token. All goes to the API. */
export type StartGateway = (options: GatewayOptions) => Promise<Listening>;
