import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Authorizer,
  createAuthorizer,
  createClaimHeaders,
  type JwtAccessToken,
  NodeRequest,
  type PassHeaders,
} from '@phantom-token/core';
import { createNetworkTest } from '@phantom-token/core/node';
import type { AuthorizationServers } from './authorization-servers.js';
import type { Config } from './config-schema.js';
import { badRequest, notFound, refuse } from './refusal.js';
import { hasParameters, isUnambiguous, readTarget } from './request-path.js';
import { createAcceptJwts, type RequestTrust } from './request-trust.js';
import type { Work } from './work.js';

type Options = NonNullable<Config['forwardAuth']>;

export interface ForwardAuth {
  readonly path: string;
  /** Answers whether another gateway may let a request pass, and with which Authorization. */
  handle(request: IncomingMessage, response: ServerResponse, query: string): void;
}

/** Told of every answer: the status, and why where it is a refusal. */
export type OnAnswer = (status: number, code: string | undefined) => void;

export interface ForwardAuthTools {
  readonly servers: AuthorizationServers;
  readonly trust: RequestTrust;
  readonly work: Work;
}

/** Sets of scopes whose challenges are kept; a gateway asks for few. */
const maxScopeSets = 256;

/**
 * The pattern as a service for other gateways: nginx's auth_request, Caddy's forward_auth, Traefik's ForwardAuth, Envoy's
 * ext_authz. What they say of the protected request is believed here only, and never makes an answer milder than the
 * configuration: no header can pick scopes or skip the token.
 */
export function createForwardAuth(
  options: Options,
  { servers, trust, work }: ForwardAuthTools,
  onAnswer: OnAnswer,
): ForwardAuth {
  const isAllowed = createNetworkTest(options.allowFrom);
  const authorizers = new Map<string, Authorizer>();
  const { realm, acceptJwts, issuer } = options;
  const common = {
    ...trust,
    client: servers.clientOf(issuer),
    realm,
    ...(acceptJwts && { acceptJwts: createAcceptJwts(acceptJwts) }),
  };
  const claimHeaders = options.claimHeaders && createClaimHeaders(options.claimHeaders);

  function authorizerFor(scope: string): Authorizer {
    const known = authorizers.get(scope);
    if (known !== undefined) return known;
    const requiredScopes = [
      ...new Set([...options.requiredScopes, ...scope.split(' ').filter((it) => it !== '')]),
    ];
    const made = createAuthorizer({ ...common, requiredScopes });
    if (authorizers.size >= maxScopeSets) authorizers.clear();
    authorizers.set(scope, made);
    return made;
  }

  return {
    path: options.path,
    handle(request, response, query) {
      const answer = (status: number, code?: string) => onAnswer(status, code);
      if (!isAllowed(request.socket.remoteAddress)) {
        answer(404, 'ERR_PEER_NOT_ALLOWED');
        refuse(response, notFound);
        return;
      }
      const original = readOriginal(request);
      const scopes = new URLSearchParams(query).getAll('scope');
      // who asks for scopes by path may not know of parameters, and the API may drop them
      const isMistakable = scopes.length > 0 && original !== undefined && hasParameters(original.path);
      const authorizer = isMistakable ? undefined : tryScopes(scopes, authorizerFor);
      if (original === undefined || authorizer === undefined) {
        answer(400, 'ERR_BAD_FORWARD_AUTH');
        refuse(response, badRequest);
        return;
      }
      const { method, url } = original;
      const asked = new NodeRequest({ ...described(request), method }, undefined, url);
      if (options.letPreflightsPass && asked.authorization === undefined && isPreflight(method, request)) {
        answer(200);
        response.writeHead(200, { 'Cache-Control': 'no-store', 'Content-Length': '0' }).end();
        return;
      }
      const pass = (token: JwtAccessToken, headers: PassHeaders) => {
        answer(200);
        response
          .writeHead(200, {
            ...Object.fromEntries(claimHeaders?.build(token.claims) ?? []),
            ...headers,
            Authorization: token.authorization,
            'Cache-Control': 'no-store',
            'Content-Length': '0',
          })
          .end();
      };
      const outcome = authorizer.guard(asked, pass, (challenge, error) => {
        answer(challenge.status, error.code);
        refuse(response, challenge);
      });
      if (outcome instanceof Promise) work.add(outcome.catch(() => response.destroy()));
    },
  };
}

const described = ({ rawHeaders, socket }: IncomingMessage) => ({ rawHeaders, socket });

/** Whether this is a CORS preflight: it carries no credentials by design (Fetch standard, §3.2.2). */
export const isPreflight = (method: string, { headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

interface Original {
  readonly method: string;
  readonly url: string;
  readonly path: string;
}

/** The protected request. Two gateways' words at once mean that one of them is the client's: nothing is believed. */
function readOriginal(request: IncomingMessage): Original | undefined {
  const read = (...names: string[]) => names.map((name) => request.headersDistinct[name] ?? []);
  const ours = read('x-forwarded-method', 'x-forwarded-uri');
  const theirs = read('x-original-method', 'x-original-url');
  const isSaid = (values: readonly string[]) => values.length > 0;
  if ([...ours, ...theirs].some((values) => values.length > 1) || (ours.some(isSaid) && theirs.some(isSaid)))
    return undefined;
  const [method, url] = (ours.some(isSaid) ? ours : theirs).map(([value]) => value);
  if (url === undefined) return { method: method ?? 'GET', url: '/', path: '/' };
  // nginx's X-Original-URL may be absolute
  const local = url.replace(/^https?:\/\/[^/?#]*/i, '') || '/';
  const target = readTarget(local, undefined);
  if (target === undefined || !isUnambiguous(target.path)) return undefined;
  return { method: method ?? 'GET', url: local, path: target.path };
}

function tryScopes(
  scopes: readonly string[],
  authorizerFor: (scope: string) => Authorizer,
): Authorizer | undefined {
  try {
    return authorizerFor(scopes.join(' '));
  } catch {
    // characters that no scope has
    return undefined;
  }
}
