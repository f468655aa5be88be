import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AuthorizationServers } from './authorization-servers.js';
import type { Config } from './config-schema.js';
import { createDocuments } from './documents.js';
import type { FastRoute } from './fast-lane.js';
import { createForwardAuth } from './forward-auth.js';
import type { Log } from './log.js';
import { receiveLogout } from './logouts.js';
import type { Metrics } from './metrics.js';
import { isPlausibleHost } from './plausible-host.js';
import {
  badRequest,
  cannotUpgrade,
  methodNotAllowed,
  notFound,
  type Refusal,
  refuse,
  refuseUpgrade,
} from './refusal.js';
import { isUnambiguous, readTarget } from './request-path.js';
import { createRequestTrust } from './request-trust.js';
import { createRoute, type Route } from './route.js';
import { createRouteFinder } from './route-finder.js';
import type { StartTrace } from './tracing.js';
import { createWork } from './work.js';

/** What a configuration makes of requests. A reload makes another one and lets the old one end its work. */
export interface Runtime {
  handle(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Whether connections begin in the fast lane. */
  readonly beginsFast: boolean;
  /** The route of an unambiguous path, where the fast lane may serve it. */
  findFast(path: string): FastRoute | undefined;
  /** Lets what is under way end, then frees the connections. */
  close(): Promise<void>;
}

export interface RuntimeTools {
  readonly servers: AuthorizationServers;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly startTrace: StartTrace | undefined;
}

interface Found {
  readonly route: Route;
  readonly path: string;
  readonly query: string;
}

export function createRuntime(config: Config, tools: RuntimeTools): Runtime {
  const { servers, log, metrics } = tools;
  const work = createWork();
  const trust = createRequestTrust(config, servers.replayStore);
  const documents = createDocuments(config, servers.minters);
  const routes = config.routes.map((options) => createRoute(options, config, { ...tools, trust, work }));
  const forwardAuth =
    config.forwardAuth &&
    createForwardAuth(config.forwardAuth, { servers, trust, work }, (status, code) => {
      metrics.countRequest('forward auth', status);
      if (code === undefined) return;
      metrics.countRefusal(code);
      log.info({ code, status, route: 'forward auth' }, 'refused');
    });

  const finder = createRouteFinder(routes);

  function find(request: IncomingMessage, path: string, query: string): Found | Refusal {
    if (!forwardedMethods.has(request.method ?? '')) return methodNotAllowed;
    if (!isUnambiguous(path)) return badRequest;
    const route = finder.find(path);
    if (route === 'confusing') return badRequest;
    return route === undefined ? notFound : { route, path, query };
  }

  function count(refusal: Refusal): Refusal {
    metrics.countRequest('none', refusal.status);
    return refusal;
  }

  return {
    handle(request, response) {
      const target = readTarget(request.url ?? '', hostOf(request));
      if (target === undefined || !agreesOnHost(request)) {
        refuse(response, count(badRequest));
        return;
      }
      if (documents.has(target.path)) {
        const answered = documents.answer(target.path, request, response);
        work.add(answered.then((status) => metrics.countRequest('documents', status)));
        return;
      }
      const logout = servers.logouts.get(target.path);
      if (logout !== undefined) {
        const received = receiveLogout(logout, request, response).catch(() => 499);
        work.add(received.then((status) => metrics.countRequest('logout', status)));
        return;
      }
      if (target.path === forwardAuth?.path) {
        forwardAuth.handle(request, response, target.query);
        return;
      }
      const found = find(request, target.path, target.query);
      if ('route' in found) found.route.handle(request, response, found.path, found.query);
      else refuse(response, count(found));
    },
    upgrade(request, socket, head) {
      const target = readTarget(request.url ?? '', hostOf(request));
      const found = target === undefined ? badRequest : find(request, target.path, target.query);
      if (!('route' in found)) refuseUpgrade(socket, count(found));
      else if (request.headers.upgrade?.toLowerCase() !== 'websocket')
        refuseUpgrade(socket, count(cannotUpgrade));
      // a handshake is a GET (RFC 6455 §4.1); what Node has read of another request is its head alone
      else if (request.method !== 'GET') refuseUpgrade(socket, count(badRequest));
      else found.route.upgrade(request, socket, head, found.path, found.query);
    },
    beginsFast: config.fastLane,
    findFast: (path) =>
      path === forwardAuth?.path || documents.has(path) || servers.logouts.has(path)
        ? undefined
        : finder.findPlain(path)?.fast,
    async close() {
      await work.settled();
      await Promise.all(routes.map((route) => route.close()));
    },
  };
}

const hostOf = ({ headers }: IncomingMessage) =>
  headers.host ?? (headers[':authority'] as string | undefined);

/** HTTP/2 names the host twice; a request that names two hosts, or one that is none, is nobody's. HTTP/1.1's is known by now. */
function agreesOnHost({ httpVersionMajor, headers }: IncomingMessage): boolean {
  if (httpVersionMajor !== 2) return true;
  const authority = headers[':authority'] as string | undefined;
  const host = headers.host ?? authority ?? '';
  return isPlausibleHost(host) && (authority === undefined || authority === host);
}

/** Those that the parser of HTTP/1.1 knows; HTTP/2's takes any word. TRACE would show the JWT. */
const forwardedMethods = new Set(METHODS.filter((method) => method !== 'TRACE' && method !== 'CONNECT'));
