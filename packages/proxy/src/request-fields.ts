import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { foldName, type ResolvedForwarderOptions } from './forwarder-options.js';
import { createHopByHopTest } from './hop-by-hop.js';

/** What is put in the place of what the client sent. */
export interface FieldChanges {
  /** Replaces every Authorization field, and takes the DPoP proof of the presented token away. */
  readonly authorization?: string;
  /** Removes Authorization and DPoP. */
  readonly withoutAuthorization?: boolean;
  /** Further fields, names and values in turn; what the client sent under any spelling of their names is removed. */
  readonly fields?: readonly string[];
}

/**
 * The fields for the upstream, names and values in turn. First goes what is meant for this hop, including what the
 * client nominates in Connection, then what only we may say; then ours are added, so that no client can delete them.
 */
export function buildRequestFields(
  request: IncomingMessage,
  options: ResolvedForwarderOptions,
  changes: FieldChanges,
): string[] {
  const { rawHeaders, socket } = request;
  const isHopByHop = createHopByHopTest(rawHeaders);
  const isReserved = createReservedTest(options.reserved, changes.fields);
  const peer = socket.remoteAddress;
  const isTrusted = options.isTrusted(peer);
  const swaps = changes.authorization !== undefined || changes.withoutAuthorization === true;
  const fields: string[] = [];
  let host: string | undefined;
  let cookie: string | undefined;
  let forwardedFor = '';
  let hasProto = false;
  let hasForwardedHost = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    const lowerName = name.toLowerCase();
    // HTTP/2's pseudo-fields
    if (lowerName.charCodeAt(0) === 0x3a) {
      if (lowerName === ':authority') host ??= value;
      continue;
    }
    if (isHopByHop(lowerName)) continue;
    if (lowerName === 'host') {
      host = value;
      continue;
    }
    if (swaps && (lowerName === 'authorization' || lowerName === 'dpop')) continue;
    if (isReserved?.(lowerName)) continue;
    if (lowerName === 'cookie' && request.httpVersionMajor === 2) {
      // HTTP/2 takes cookies apart; HTTP/1.1 has one field (RFC 9113 §8.2.3)
      cookie = cookie === undefined ? value : `${cookie}; ${value}`;
      continue;
    }
    if (isForwardedField(lowerName)) {
      // a proxy that replaces what it was told replaces one spelling: the others are still its client's
      if (!isTrusted || otherSpelling.test(lowerName)) continue;
      if (lowerName === 'x-forwarded-for') {
        forwardedFor = forwardedFor === '' ? value : `${forwardedFor}, ${value}`;
        continue;
      }
      if (lowerName === 'x-forwarded-proto') hasProto = true;
      if (lowerName === 'x-forwarded-host') hasForwardedHost = true;
    }
    fields.push(name, value);
  }
  if (cookie !== undefined) fields.push('cookie', cookie);
  if (changes.authorization !== undefined) fields.push('authorization', changes.authorization);
  if (changes.fields !== undefined) fields.push(...changes.fields);
  if (host !== undefined) {
    if (options.preserveHost) fields.push('host', host);
    if (!hasForwardedHost) fields.push('x-forwarded-host', host);
  }
  if (peer !== undefined)
    fields.push('x-forwarded-for', forwardedFor === '' ? peer : `${forwardedFor}, ${peer}`);
  if (!hasProto) fields.push('x-forwarded-proto', (socket as TLSSocket).encrypted ? 'https' : 'http');
  return fields;
}

// CGI and its kin take other separators for the hyphen
const forwardedName = /^x[-_.](?:forwarded[-_.]|real[-_.]ip$)/;
const otherSpelling = /[_.]/;

function isForwardedField(lowerName: string): boolean {
  return lowerName.charCodeAt(0) === 0x78 ? forwardedName.test(lowerName) : lowerName === 'forwarded';
}

function createReservedTest(
  reserved: ReadonlySet<string>,
  ours: readonly string[] | undefined,
): ((name: string) => boolean) | undefined {
  const names = (ours ?? []).filter((_, index) => index % 2 === 0).map(foldName);
  if (names.length === 0) return reserved.size === 0 ? undefined : (name) => reserved.has(foldName(name));
  const all = new Set([...reserved, ...names]);
  return (name) => all.has(foldName(name));
}
