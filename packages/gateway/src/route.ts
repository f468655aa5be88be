import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type AdapterOptions,
  createAuthorizer,
  type JwtAccessToken,
  type PhantomTokenClient,
  readAuthorization,
} from '@phantom-token/core';
import { createForwarder, type ForwardChanges, type ForwarderOptions } from '@phantom-token/proxy';
import type { Config, Route as RouteOptions } from './config-schema.js';
import { isPreflight } from './forward-auth.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import { failed, type Refusal, refuse, refuseUpgrade } from './refusal.js';
import type { RequestTrace, StartTrace } from './tracing.js';

/** What a route does with a request once it may pass, or not: the same for plain requests and upgrades. */
interface Actions {
  forward(changes: ForwardChanges): void;
  refuse(refusal: Refusal): void;
  /** Whether nobody waits for an answer any more. */
  isGone(): boolean;
}

export interface Route {
  readonly path: string;
  handle(request: IncomingMessage, response: ServerResponse, path: string, query: string): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string, query: string): void;
  close(): Promise<void>;
}

export interface RouteTools {
  readonly client: PhantomTokenClient;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly startTrace: StartTrace;
}

/** One entry of `routes`: who may pass, and where to. */
export function createRoute(options: RouteOptions, config: Config, tools: RouteTools): Route {
  const { metrics, log } = tools;
  const forwarder = createForwarder(forwarderOptions(options, config));
  const authorizer = createAuthorizer(authorizerOptions(options, tools.client));
  const prefix = options.stripPath ? options.path.replace(/\/$/, '') : '';
  const needsToken = options.auth === 'required';

  function judge(request: IncomingMessage, path: string, query: string, actions: Actions): void {
    const { method = 'GET', rawHeaders } = request;
    const trace = tools.startTrace(method, options.path, request.headers);
    const target = (path.slice(prefix.length) || '/') + query;
    const changes = describeChanges(target, trace);
    if (!needsToken) {
      actions.forward(changes);
      return;
    }
    const authorization = readAuthorization(rawHeaders);
    if (authorization === undefined && isPreflight(method, request)) {
      actions.forward({ ...changes, withoutAuthorization: true });
      return;
    }
    const pass = (token: JwtAccessToken) => {
      if (actions.isGone()) return;
      actions.forward({ ...changes, authorization: token.authorization });
    };
    const outcome = authorizer.guard({ method, url: query, authorization }, pass, (challenge, { code }) => {
      metrics.countRefusal(code);
      metrics.countRequest(options.path, challenge.status);
      log.info({ code, status: challenge.status, route: options.path, method }, 'refused');
      trace?.end(challenge.status, code);
      if (!actions.isGone()) actions.refuse(challenge);
    });
    if (outcome instanceof Promise)
      outcome.catch((error: Error) => {
        log.error({ error: error.name, route: options.path }, 'a request could not be handled');
        actions.refuse(failed);
      });
  }

  function describeChanges(target: string, trace: RequestTrace | undefined): ForwardChanges {
    return {
      target,
      ...(trace === undefined ? {} : { fields: trace.fields }),
      onOutcome({ status, durationSeconds, error }) {
        metrics.countRequest(options.path, status);
        metrics.observeUpstream(options.path, durationSeconds, error);
        if (error !== undefined)
          log.warn({ code: error, status, route: options.path }, 'the upstream failed');
        trace?.end(status, error);
      },
    };
  }

  return {
    path: options.path,
    handle: (request, response, path, query) =>
      judge(request, path, query, {
        forward: (changes) => forwarder(request, response, changes),
        refuse: (refusal) => refuse(response, refusal),
        isGone: () => response.destroyed,
      }),
    upgrade: (request, socket, head, path, query) =>
      judge(request, path, query, {
        forward: (changes) => forwarder.upgrade(request, socket, head, changes),
        refuse: (refusal) => refuseUpgrade(socket, refusal),
        isGone: () => socket.destroyed,
      }),
    close: () => forwarder.close(),
  };
}

function forwarderOptions(options: RouteOptions, { trustedProxies, limits }: Config): ForwarderOptions {
  const { upstream, preserveHost, timeoutSeconds, maxConnections } = options;
  return {
    upstream,
    preserveHost,
    trustedProxies,
    idleTimeoutSeconds: limits.idleTimeoutSeconds,
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(limits.maxRequestBytes === undefined ? {} : { maxRequestBytes: limits.maxRequestBytes }),
  };
}

function authorizerOptions(options: RouteOptions, client: PhantomTokenClient): AdapterOptions {
  const { requiredScopes, realm, resourceMetadata } = options;
  return { client, requiredScopes, realm, ...(resourceMetadata === undefined ? {} : { resourceMetadata }) };
}
