import type { JwtAccessToken } from './access-token.js';
import { createClaimHeaders } from './claim-headers.js';
import { flag } from './option-checks.js';
import { type NodeHeaders, removeFields, replaceAuthorization } from './raw-headers.js';

export interface RewriteOptions {
  /** Whether the request's Authorization becomes `Bearer <JWT>`, for proxies behind the adapter. Default true. */
  readonly replaceAuthorization?: boolean;
  /**
   * Request headers that are set from claims, for what is behind the adapter: `{ 'X-User': 'sub' }`. What a client sends
   * under these names, in any spelling, is taken out. Default none.
   */
  readonly claimHeaders?: Readonly<Record<string, string>>;
}

/** Changes the fields of a request that passed. */
export interface Rewrite {
  /** Those of a message of Node's HTTP server, in place. */
  message(message: NodeHeaders, token: JwtAccessToken): void;
  /** Those of a Fetch request: the new ones, or nothing where they are right already. */
  headers(headers: Headers, token: JwtAccessToken): Headers | undefined;
}

/** @throws {TypeError} naming the option that is wrong. */
export function createRewrite(options: RewriteOptions): Rewrite {
  const replaces = flag('replaceAuthorization', options.replaceAuthorization, true);
  const claimHeaders =
    options.claimHeaders === undefined ? undefined : createClaimHeaders(options.claimHeaders);
  return {
    message(message, token) {
      if (replaces) replaceAuthorization(message, token);
      if (claimHeaders === undefined) return;
      removeFields(message, claimHeaders.isReserved);
      const { headersDistinct } = message;
      for (const [name, value] of claimHeaders.build(token.claims)) {
        message.rawHeaders.push(name, value);
        message.headers[name.toLowerCase()] = value;
        if (headersDistinct !== undefined) headersDistinct[name.toLowerCase()] = [value];
      }
    },
    headers(headers, token) {
      const isReplaced =
        !replaces || (headers.get('Authorization') === token.authorization && !headers.has('DPoP'));
      if (isReplaced && claimHeaders === undefined) return undefined;
      const changed = new Headers(headers);
      if (replaces) {
        changed.set('Authorization', token.authorization);
        changed.delete('DPoP');
      }
      if (claimHeaders === undefined) return changed;
      for (const name of headers.keys()) if (claimHeaders.isReserved(name)) changed.delete(name);
      for (const [name, value] of claimHeaders.build(token.claims)) changed.set(name, value);
      return changed;
    },
  };
}
