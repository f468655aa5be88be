import { isTokenOf, type JwtAccessToken, signToken } from './access-token.js';
import { type BearerRequest, createBearerParser } from './bearer.js';
import {
  buildChallenge,
  type Challenge,
  type ChallengeOptions,
  resolveChallengeOptions,
} from './challenge.js';
import type { PhantomTokenClient } from './client.js';
import { BearerError, IntrospectionError } from './errors.js';
import { callable, flag, refuseUnknown } from './option-checks.js';
import { assertScopes } from './policy.js';
import { assertSender } from './sender-constraint.js';

export type AuthorizeOptions = ChallengeOptions;

/** The parts of a request that decide; an adapter picks them out of its framework's request. */
export interface AuthorizeRequest extends BearerRequest {
  readonly method: string;
  /** What a guard in front of this one found, whose header may hold the JWT by now. Only its use is judged again. */
  readonly accessToken?: JwtAccessToken | null | undefined;
}

/**
 * Judges a request: the JWT behind its token, at once when memory has it.
 * @throws {BearerError} when the client is to blame, @throws {IntrospectionError} when the authorization server is;
 * thrown or rejected, as the answer came.
 */
export function authorize(
  client: PhantomTokenClient,
  request: AuthorizeRequest,
  options: AuthorizeOptions = {},
): JwtAccessToken | Promise<JwtAccessToken> {
  return createAuthorizer({ ...options, client }).authorize(request);
}

/** The options of every adapter. */
export interface AdapterOptions extends AuthorizeOptions {
  readonly client: PhantomTokenClient;
  /** Whether the request's Authorization becomes `Bearer <JWT>`, for proxies behind the adapter. Default true. */
  readonly replaceAuthorization?: boolean;
}

/** What every adapter is made of, its options checked once. */
export interface Authorizer {
  readonly replaceAuthorization: boolean;
  /** See `authorize`. */
  authorize(request: AuthorizeRequest): JwtAccessToken | Promise<JwtAccessToken>;
  /**
   * Judges a request and calls one of the two, at once where memory has the answer; returns what that returns. Errors
   * that are no refusals are thrown or rejected, for the framework.
   */
  guard<T>(
    request: AuthorizeRequest,
    pass: (token: JwtAccessToken) => T,
    refuse: (challenge: Challenge, error: BearerError | IntrospectionError) => T,
  ): T | Promise<Awaited<T>>;
}

const known: Record<keyof AdapterOptions, true> = {
  client: true,
  replaceAuthorization: true,
  requiredScopes: true,
  realm: true,
  resourceMetadata: true,
};

/** @throws {TypeError} naming the option that is unknown, missing or wrong. */
export function createAuthorizer(options: AdapterOptions): Authorizer {
  refuseUnknown('phantomToken', options, known);
  const { client } = options;
  callable('client.exchangeOrWait', client?.exchangeOrWait);
  const resolved = resolveChallengeOptions(options);
  const parseBearer = createBearerParser();
  const check = (token: JwtAccessToken) => {
    assertSender(token.claims);
    assertScopes(token.claims, resolved.requiredScopes);
    return signToken(token, client);
  };
  const find = (request: AuthorizeRequest) => {
    const { accessToken } = request;
    if (accessToken && isTokenOf(accessToken, client)) return check(accessToken);
    const token = client.exchangeOrWait(parseBearer(request));
    return token instanceof Promise ? token.then(check) : check(token);
  };
  return Object.freeze({
    replaceAuthorization: flag('replaceAuthorization', options.replaceAuthorization, true),
    authorize: find,
    guard<T>(
      request: AuthorizeRequest,
      pass: (token: JwtAccessToken) => T,
      refuse: (challenge: Challenge, error: BearerError | IntrospectionError) => T,
    ) {
      const refuseWith = (error: unknown) => {
        if (error instanceof BearerError || error instanceof IntrospectionError)
          return refuse(buildChallenge(error, resolved), error);
        throw error;
      };
      let token: JwtAccessToken | Promise<JwtAccessToken>;
      try {
        token = find(request);
      } catch (error) {
        return refuseWith(error);
      }
      if (!(token instanceof Promise)) return pass(token);
      return token.then(pass, refuseWith) as Promise<Awaited<T>>;
    },
  });
}
