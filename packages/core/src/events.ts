import type { Source } from './access-token.js';
import type { IntrospectionErrorCode } from './errors.js';

/** What `onEvent` is told, for logs and metrics. Holds no token, JWT, secret or subject. */
export type PhantomTokenEvent =
  | {
      readonly type: 'introspection';
      readonly outcome: 'active' | 'inactive';
      readonly durationSeconds: number;
    }
  | {
      readonly type: 'introspection';
      readonly outcome: 'unknown';
      readonly code: IntrospectionErrorCode;
      /** ERR_CREDENTIALS_REFUSED wants somebody's attention: `error`. The others may pass: `warning`. */
      readonly level: 'error' | 'warning';
      readonly message: string;
      /** The authorization server's HTTP status, where it answered. */
      readonly serverStatus?: number;
      readonly durationSeconds: number;
    }
  | { readonly type: 'cache_hit'; readonly source: Source }
  | { readonly type: 'cache_miss' }
  | { readonly type: 'flight_joined' }
  | { readonly type: 'breaker'; readonly state: 'open' | 'closed' }
  | { readonly type: 'cache_error'; readonly operation: 'get' | 'set'; readonly code: string }
  | { readonly type: 'warning'; readonly code: WarningCode; readonly message: string };

export type WarningCode =
  | 'WARN_CACHE_FORBIDDEN'
  | 'WARN_EXP_IN_MILLISECONDS'
  | 'WARN_ISSUED_IN_THE_FUTURE'
  | 'WARN_NO_TOKEN_TYPE';

export type Emit = (event: PhantomTokenEvent) => void;

/** A hook that fails is its owner's matter, never the request's. */
export function createEmit(onEvent: Emit | undefined): Emit | undefined {
  if (onEvent === undefined) return undefined;
  return (event) => {
    try {
      onEvent(event);
    } catch {
      // there is nobody to tell
    }
  };
}
