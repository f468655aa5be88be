import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  createAuthorizer,
  createClaimHeaders,
  type JwtAccessToken,
  NodeRequest,
  type PassHeaders,
} from '@phantom-token/core';
import { createForwarder, type ForwardChanges } from '@phantom-token/proxy';
import type { AuthorizationServers } from './authorization-servers.js';
import type { Config, Route as RouteOptions } from './config-schema.js';
import type { FastRoute } from './fast-lane.js';
import { isPreflight } from './forward-auth.js';
import type { Log } from './log.js';
import type { Metrics } from './metrics.js';
import { failed, type Refusal, refuse, refuseUpgrade } from './refusal.js';
import type { RequestTrust } from './request-trust.js';
import { authorizerOptions, createPool, forwarderOptions } from './route-options.js';
import type { RequestTrace, StartTrace } from './tracing.js';
import type { Work } from './work.js';

/** What a route does with a request once it may pass, or not: the same for plain requests and upgrades. */
interface Actions {
  forward(changes: ForwardChanges): void;
  refuse(refusal: Refusal): void;
  /** Whether nobody waits for an answer any more. */
  isGone(): boolean;
  /** A preflight is a plain request: no browser asks for another protocol with it. */
  readonly mayBePreflight: boolean;
}

export interface Route {
  readonly path: string;
  /** Where the fast lane may serve it: an `http:` upstream, and nobody to trust or to trace. */
  readonly fast: FastRoute | undefined;
  handle(request: IncomingMessage, response: ServerResponse, path: string, query: string): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string, query: string): void;
  close(): Promise<void>;
}

export interface RouteTools {
  readonly servers: AuthorizationServers;
  readonly trust: RequestTrust;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly startTrace: StartTrace | undefined;
  readonly work: Work;
}

/** One entry of `routes`: who may pass, and where to. */
export function createRoute(options: RouteOptions, config: Config, tools: RouteTools): Route {
  const { metrics, log } = tools;
  const forwarder = createForwarder(forwarderOptions(options, config));
  const authorizer = createAuthorizer(authorizerOptions(options, tools.servers, tools.trust));
  const claimHeaders = options.claimHeaders && createClaimHeaders(options.claimHeaders);
  const prefix = options.stripPath ? options.path.replace(/\/$/, '') : '';
  const stripped = (path: string) => path.slice(prefix.length) || '/';
  const needsToken = options.auth === 'required';

  function judge(request: IncomingMessage, path: string, query: string, actions: Actions): void {
    const { method = 'GET' } = request;
    const trace = tools.startTrace?.(method, options.path, request.headers);
    const changes = describeChanges(stripped(path) + query, trace);
    if (!needsToken) {
      actions.forward(changes);
      return;
    }
    const asked = new NodeRequest(request, undefined, path + query);
    const mayPass = options.letPreflightsPass && actions.mayBePreflight;
    if (mayPass && asked.authorization === undefined && isPreflight(method, request)) {
      actions.forward({ ...changes, withoutAuthorization: true });
      return;
    }
    const pass = (token: JwtAccessToken, headers: PassHeaders) => {
      if (actions.isGone()) trace?.end(499);
      else actions.forward(swap(changes, token, headers));
    };
    const outcome = authorizer.guard(asked, pass, (challenge, { code }) => {
      onRefusal(challenge, code, method);
      trace?.end(challenge.status, code);
      if (!actions.isGone()) actions.refuse(challenge);
    });
    if (outcome instanceof Promise)
      tools.work.add(outcome.catch((error) => actions.refuse(onUnexpected(error))));
  }

  function swap(changes: ForwardChanges, token: JwtAccessToken, headers: PassHeaders): ForwardChanges {
    const { authorization, claims } = token;
    if (claimHeaders === undefined && headers === undefined) return { ...changes, authorization };
    const fields = [...(changes.fields ?? []), ...(claimHeaders?.build(claims).flat() ?? [])];
    return { ...changes, authorization, fields, responseFields: Object.entries(headers ?? {}).flat() };
  }

  function describeChanges(target: string, trace: RequestTrace | undefined): ForwardChanges {
    return {
      target,
      ...(trace === undefined ? {} : { fields: trace.fields }),
      onOutcome({ status, durationSeconds, error }) {
        onOutcome(status, durationSeconds, error);
        trace?.end(status, error);
      },
      onBreak,
    };
  }

  const onOutcome = (status: number, durationSeconds: number, error?: string) => {
    metrics.countRequest(options.path, status);
    const isUpstreams = status >= 500;
    metrics.observeUpstream(options.path, durationSeconds, isUpstreams ? error : undefined);
    if (error === undefined) return;
    const line = { code: error, status, route: options.path };
    if (isUpstreams) log.warn(line, 'the upstream failed');
    else {
      metrics.countRefusal(error);
      log.info(line, 'refused');
    }
  };

  const onBreak = (code: string) => {
    metrics.countUpstreamError(code);
    log.warn({ code, route: options.path }, 'the upstream broke off its answer');
  };

  function onRefusal({ status }: Refusal, code: string, method: string): void {
    metrics.countRefusal(code);
    metrics.countRequest(options.path, status);
    log.info({ code, status, route: options.path, method }, 'refused');
  }

  function onUnexpected(error: Error): Refusal {
    log.error({ error: error.name, route: options.path }, 'a request could not be handled');
    return failed;
  }

  const pool = createPool(options, config, tools.startTrace !== undefined);
  const upstream = new URL(options.upstream);
  const basePath = upstream.pathname.replace(/\/$/, '');
  const fast: FastRoute | undefined = pool && {
    pool,
    host: options.preserveHost ? undefined : upstream.host,
    targetOf: (path, query) => basePath + stripped(path) + query,
    judge(query, authorization, pass, refuse) {
      if (!needsToken) {
        pass(undefined);
        return;
      }
      const outcome = authorizer.guard(
        { method: 'GET', url: query, authorization },
        (token) => pass(token.authorization),
        (challenge, { code }) => {
          onRefusal(challenge, code, 'GET');
          refuse(challenge);
        },
      );
      if (outcome instanceof Promise) tools.work.add(outcome.catch((error) => refuse(onUnexpected(error))));
    },
    onOutcome,
    onBreak,
  };

  return {
    path: options.path,
    fast,
    handle: (request, response, path, query) =>
      judge(request, path, query, {
        forward: (changes) => forwarder(request, response, changes),
        refuse: (refusal) => refuse(response, refusal),
        isGone: () => response.destroyed,
        mayBePreflight: true,
      }),
    upgrade: (request, socket, head, path, query) =>
      judge(request, path, query, {
        forward: (changes) => forwarder.upgrade(request, socket, head, changes),
        refuse: (refusal) => refuseUpgrade(socket, refusal),
        isGone: () => socket.destroyed,
        mayBePreflight: false,
      }),
    close() {
      pool?.close();
      return forwarder.close();
    },
  };
}
