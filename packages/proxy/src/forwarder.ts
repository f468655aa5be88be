import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { shareShape } from '@phantom-token/core/shared-shape';
import { Pool } from 'undici';
import { Exchange } from './exchange.js';
import type { ForwardChanges } from './forward-changes.js';
import { type ForwarderOptions, resolveForwarderOptions } from './forwarder-options.js';
import { Upgrade } from './upgrade.js';

/** The largest head of an answer. */
const maxHeadBytes = 65_536;

/** Sends requests on to one upstream, over kept connections of its own. */
export interface Forwarder {
  /**
   * Streams the request to the upstream and its answer back. Never throws: an upstream that cannot be reached is
   * answered with 502, one that is too slow with 504.
   */
  (request: IncomingMessage, response: ServerResponse, changes?: ForwardChanges): void;
  /** The same for a server's `upgrade` event: WebSocket and whatever else the upstream agrees to. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, changes?: ForwardChanges): void;
  /** Lets what is under way end, then closes the connections. */
  close(): Promise<void>;
}

/**
 * Makes a forwarder; make one for each upstream and share it.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const resolved = resolveForwarderOptions(options);
  const milliseconds = (seconds: number) => seconds * 1000;
  const pool = new Pool(resolved.origin, {
    connections: resolved.maxConnections,
    pipelining: 1,
    maxHeaderSize: maxHeadBytes,
    headersTimeout: milliseconds(resolved.timeoutSeconds),
    bodyTimeout: milliseconds(resolved.idleTimeoutSeconds),
    connect: {
      timeout: milliseconds(resolved.connectTimeoutSeconds),
      ...(resolved.ca === undefined ? {} : { ca: resolved.ca as string | string[] }),
    },
  });
  const forward = (request: IncomingMessage, response: ServerResponse, changes: ForwardChanges = {}) => {
    shareShape(request);
    shareShape(response);
    new Exchange(pool, resolved, request, response, changes).start();
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, changes: ForwardChanges = {}) =>
    new Upgrade(pool, resolved, request, socket, head, changes).start();
  return Object.assign(forward, { upgrade, close: () => pool.close() });
}
