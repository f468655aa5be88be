import { createAcceptedJwts, type Judgement } from './accepted-jwts.js';
import { isTokenOf, type JwtAccessToken, signToken } from './access-token.js';
import {
  type BearerRequest,
  type PresentedToken,
  parseBearer,
  parseBearerOrDpop,
  schemeOf,
} from './bearer.js';
import {
  buildChallenge,
  type Challenge,
  type ChallengeOptions,
  resolveChallengeOptions,
} from './challenge.js';
import type { PhantomTokenClient } from './client.js';
import { type CertificateSource, socketCertificate } from './client-certificate.js';
import type { DpopVerifier } from './dpop-proof.js';
import { BearerError, IntrospectionError } from './errors.js';
import type { JwtVerifier } from './jwt-verifier.js';
import { callable, refuseUnknown } from './option-checks.js';
import { assertScopes, assertUnexpired } from './policy.js';
import { createRewrite, type Rewrite, type RewriteOptions } from './rewrite.js';
import { assertSender, type SenderOptions, type SenderRequest } from './sender-constraint.js';

/** How the requests to a resource are judged. */
export interface AuthorizeOptions extends ChallengeOptions {
  /** Lets DPoP-bound tokens in (RFC 9449); `dpopVerifier(…)` makes one. Default: such a token is refused. */
  readonly dpop?: DpopVerifier;
  /** Where the certificate of certificate-bound tokens is found (RFC 8705 §3). Default: the request's own connection. */
  readonly clientCertificate?: CertificateSource;
  /**
   * Takes presented tokens that are JWTs and verify as they are, without introspection, until their `exp`: nobody is
   * asked whether they were revoked. `jwtVerifier(…)` makes one. Default: every token is introspected.
   */
  readonly acceptJwts?: JwtVerifier;
  /** The clock for proofs, accepted JWTs and what a guard in front found, as a NumericDate. Default: the system's. */
  readonly now?: () => number;
}

/** The parts of a request that decide; an adapter picks them out of its framework's request. */
export interface AuthorizeRequest extends BearerRequest, SenderRequest {
  readonly method: string;
  readonly url: string;
  /** What a guard in front of this one found, whose header may hold the JWT by now. Only its `exp` and use are judged again. */
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
export interface AdapterOptions extends AuthorizeOptions, RewriteOptions {
  /** The client to ask, or a function that chooses the one of the request's issuer. */
  readonly client: PhantomTokenClient | ((request: AuthorizeRequest) => PhantomTokenClient);
}

/** What the response to a request that passes has to carry: a new `DPoP-Nonce` (RFC 9449 §8.2). Mostly nothing. */
export type PassHeaders = Readonly<Record<string, string>> | undefined;

/** What every adapter is made of, its options checked once. */
export interface Authorizer {
  /** Changes the fields of a request that passed, for what is behind: its Authorization and the claim headers. */
  readonly rewrite: Rewrite;
  /** See `authorize`. */
  authorize(request: AuthorizeRequest): JwtAccessToken | Promise<JwtAccessToken>;
  /**
   * Judges a request and calls one of the two, at once where memory has the answer; returns what that returns. Errors
   * that are no refusals are thrown or rejected, for the framework.
   */
  guard<T>(
    request: AuthorizeRequest,
    pass: (token: JwtAccessToken, headers: PassHeaders) => T,
    refuse: (challenge: Challenge, error: BearerError | IntrospectionError) => T,
  ): T | Promise<Awaited<T>>;
}

const known: Record<keyof AdapterOptions, true> = {
  client: true,
  replaceAuthorization: true,
  claimHeaders: true,
  requiredScopes: true,
  realm: true,
  resourceMetadata: true,
  dpop: true,
  clientCertificate: true,
  acceptJwts: true,
  now: true,
};

/** @throws {TypeError} naming the option that is unknown, missing or wrong. */
export function createAuthorizer(options: AdapterOptions): Authorizer {
  refuseUnknown('phantomToken', options, known);
  const { acceptJwts } = options;
  const clientOf = readClient(options.client);
  const resolved = resolveChallengeOptions(options);
  const sender = resolveSenderOptions(options);
  const { now, dpop } = sender;
  const parse = dpop === undefined ? parseBearer : parseBearerOrDpop;
  const accepted = acceptJwts === undefined ? undefined : createAcceptedJwts(readAcceptJwts(acceptJwts));
  const newNonces = new WeakMap<AuthorizeRequest, string>();

  function find(request: AuthorizeRequest): JwtAccessToken | Promise<JwtAccessToken> {
    const client = clientOf(request);
    const { accessToken } = request;
    if (accessToken && (isTokenOf(accessToken, client) || isTokenOf(accessToken, acceptJwts))) {
      assertUnexpired(accessToken.claims, now);
      assertScopes(accessToken.claims, resolved.requiredScopes);
      return accessToken;
    }
    const presented = parse(request);
    if (accepted === undefined) return introspect(request, presented, client);
    const itself = accepted.find(presented.token, now());
    return itself instanceof Promise
      ? itself.then((token) => choose(token, request, presented, client))
      : choose(itself, request, presented, client);
  }

  const choose = (
    itself: Judgement,
    request: AuthorizeRequest,
    presented: PresentedToken,
    client: PhantomTokenClient,
  ) => {
    if (itself === undefined) return introspect(request, presented, client);
    if (itself instanceof IntrospectionError) return introspectInDoubt(itself, request, presented, client);
    return check(itself, request, presented, acceptJwts as object);
  };

  /** Servers call JWTs inactive that are not theirs to judge: that is no "no" while the keys for them are not to be had. */
  async function introspectInDoubt(
    doubt: IntrospectionError,
    request: AuthorizeRequest,
    presented: PresentedToken,
    client: PhantomTokenClient,
  ) {
    try {
      return await introspect(request, presented, client);
    } catch (error) {
      throw error instanceof BearerError && error.code === 'ERR_INACTIVE' ? doubt : error;
    }
  }

  function introspect(request: AuthorizeRequest, presented: PresentedToken, client: PhantomTokenClient) {
    const token = client.exchangeOrWait(presented.token);
    return token instanceof Promise
      ? token.then((it) => check(it, request, presented, client))
      : check(token, request, presented, client);
  }

  function check(
    token: JwtAccessToken,
    request: AuthorizeRequest,
    presented: PresentedToken,
    finder: object,
  ) {
    const proven = assertSender(token.claims, presented, request, sender);
    if (proven instanceof Promise) {
      return proven.then((outcome) => {
        if (outcome?.nonce !== undefined) newNonces.set(request, outcome.nonce);
        return admit(token, finder);
      });
    }
    return admit(token, finder);
  }

  function admit(token: JwtAccessToken, finder: object): JwtAccessToken {
    assertScopes(token.claims, resolved.requiredScopes);
    return signToken(token, finder);
  }

  return Object.freeze({
    rewrite: createRewrite(options),
    authorize: find,
    guard<T>(
      request: AuthorizeRequest,
      pass: (token: JwtAccessToken, headers: PassHeaders) => T,
      refuse: (challenge: Challenge, error: BearerError | IntrospectionError) => T,
    ) {
      const refuseWith = (error: unknown) => {
        if (error instanceof BearerError || error instanceof IntrospectionError)
          return refuse(buildChallenge(error, resolved, schemeOf(request)), error);
        throw error;
      };
      let token: JwtAccessToken | Promise<JwtAccessToken>;
      try {
        token = find(request);
      } catch (error) {
        return refuseWith(error);
      }
      if (!(token instanceof Promise)) return pass(token, undefined);
      return token.then((it) => {
        const nonce = newNonces.get(request);
        return pass(it, nonce === undefined ? undefined : { 'DPoP-Nonce': nonce });
      }, refuseWith) as Promise<Awaited<T>>;
    },
  });
}

function readClient(client: AdapterOptions['client']): (request: AuthorizeRequest) => PhantomTokenClient {
  if (typeof client === 'function') return client;
  callable('client.exchangeOrWait', client?.exchangeOrWait);
  return () => client;
}

function readAcceptJwts(verifier: JwtVerifier): JwtVerifier {
  if (typeof verifier?.verify === 'function' && typeof verifier.context === 'string') return verifier;
  throw new TypeError('acceptJwts must be made by jwtVerifier, or have a context and a verify function');
}

function resolveSenderOptions(options: AdapterOptions): SenderOptions {
  const { dpop, clientCertificate = socketCertificate } = options;
  if (dpop !== undefined) callable('dpop.verify', dpop?.verify);
  callable('clientCertificate.thumbprint', clientCertificate?.thumbprint);
  const now = options.now === undefined ? () => Date.now() / 1000 : callable('now', options.now);
  return { dpop, clientCertificate, now };
}
