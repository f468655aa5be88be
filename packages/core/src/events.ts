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
  /** How far the authorization server's clock is ahead of ours, by the Date of an answer. Seconds; negative is behind. */
  | { readonly type: 'server_clock'; readonly aheadSeconds: number }
  | { readonly type: 'cache_hit'; readonly source: Source }
  | { readonly type: 'cache_miss' }
  | { readonly type: 'flight_joined' }
  /** Another instance was asking already; its answer is used. */
  | { readonly type: 'claim_joined' }
  /** A token in use is asked about again, ahead of its deadline and in the background. */
  | { readonly type: 'refresh' }
  /** An answer past its deadline stands in; `code` is why there is no other. */
  | { readonly type: 'stale_used'; readonly code: IntrospectionErrorCode }
  /**
   * A token, subject or session was revoked: by a call of `revoke…` here, by word from another instance, or because the
   * authorization server calls a token inactive that an answer still called active.
   */
  | { readonly type: 'revoked'; readonly by: 'caller' | 'channel' | 'server' }
  /** Word from other instances may have been missed; memory was flushed. */
  | { readonly type: 'revocation_gap' }
  | { readonly type: 'breaker'; readonly state: 'open' | 'closed' }
  | { readonly type: 'cache_error'; readonly operation: CacheOperation; readonly code: string }
  | { readonly type: 'warning'; readonly code: WarningCode; readonly message: string };

/** What a cache failed to do. */
export type CacheOperation = 'get' | 'set' | 'delete' | 'claim';

export type WarningCode =
  | 'WARN_CACHE_FORBIDDEN'
  | 'WARN_CLOCK_SKEW'
  | 'WARN_EXP_IN_MILLISECONDS'
  | 'WARN_ISSUED_IN_THE_FUTURE'
  | 'WARN_NO_TOKEN_TYPE';

export type Emit = (event: PhantomTokenEvent) => void;

/** A hook that fails is its owner's matter, never the request's. */
export function createEmit(onEvent: Emit | undefined): Emit | undefined {
  if (onEvent === undefined) return undefined;
  return (event) => {
    try {
      // an asynchronous one is no other type
      const told: unknown = onEvent(event);
      if (told instanceof Promise) told.catch(tellNobody);
    } catch {
      tellNobody();
    }
  };
}

const tellNobody = () => {};
