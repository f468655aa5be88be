import type { PhantomTokenEvent } from '@phantom-token/core';
import type { AuthorizationServer } from './authorization-server.js';

export interface CurityServer extends AuthorizationServer {
  /** To be told of what the gateways do, since the server does not tell how often it was asked. */
  readonly onEvent: (event: PhantomTokenEvent) => void;
}

/** A Curity Identity Server that somebody else started. */
export function connectToCurity(url: string, issuer = `${url}/oauth/v2/oauth-anonymous`): CurityServer {
  let introspections = 0;
  return {
    url,
    issuer,
    jwt: { typ: ['at+jwt', 'JWT'] },
    introspections: () => introspections,
    onEvent: ({ type }) => {
      if (type === 'introspection') introspections++;
    },
    close: async () => {},
  };
}
