import { nonEmpty } from './option-checks.js';

// with no user in it: credentials are no part of a resource's URI
const absoluteUri = /^https?:\/\/[^/?#@]+(?=[/?#]|$)/i;
// a backslash is no character of a URI, and URL parsers take it for a slash
const uriCharacters = /^[!-[\]-~]+$/;

/** Whether a proof's `htu` names the resource of a request. */
export type IsTarget = (htu: string, url: string) => boolean;

/**
 * Makes the comparison of `htu` with a request's URI (RFC 9449 §4.3, check 9), query and fragment aside, after syntax-
 * and scheme-based normalisation (RFC 3986 §6.2.2, §6.2.3). Scheme, host and port are those of `origins`; of the request
 * only its path counts, since its Host is the client's word.
 */
export function createIsTarget(origins: readonly string[]): IsTarget {
  return (htu, url) => {
    const path = pathOf(url);
    if (path === undefined || !uriCharacters.test(htu + path)) return false;
    if (origins.some((origin) => htu === origin + path)) return true;
    const target = normalize(htu);
    return target !== undefined && origins.some((origin) => target === normalize(origin + path));
  };
}

/** @throws {TypeError} unless they are origins: scheme, host and perhaps port, no more. */
export function readOrigins(value: string | URL | readonly (string | URL)[]): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new TypeError('origin must name at least one origin');
  return list.map((member) => readOrigin(member));
}

function readOrigin(value: unknown): string {
  const text = nonEmpty('origin', value instanceof URL ? value.href : value);
  const rest = text.replace(absoluteUri, '');
  if (rest === text || (rest !== '' && rest !== '/') || !URL.canParse(text))
    throw new TypeError('origin must be like https://api.example.com, with no path and no query');
  return new URL(text).origin;
}

// of `/path?query` or of an absolute URI; there is no third form that a resource is asked for in
function pathOf(url: string): string | undefined {
  const start = url.startsWith('/') ? 0 : absoluteUri.exec(url)?.[0].length;
  if (start === undefined) return undefined;
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

function normalize(uri: string): string | undefined {
  if (!absoluteUri.test(uri) || !URL.canParse(uri)) return undefined;
  // this takes care of case, port, dot segments and the empty path
  const { origin, pathname } = new URL(uri);
  return origin + pathname.replace(/%[\da-f]{2}/gi, normalizeOctet);
}

function normalizeOctet(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
}
