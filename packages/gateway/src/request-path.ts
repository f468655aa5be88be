// servers disagree on what these mean, so a decision made on such a path may be about another resource than the one
// that the upstream serves: no such path is taken

/** Segments of harmless characters, none empty but the last, none of dots alone. */
export const plainPath =
  /^\/(?:(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+\/)*(?:(?!\.{1,2}$)[\w\-.~!$&'()*+,=:@]+)?$/;
const forbidden = /[\0-\x20\x7f\\#]|[^\0-\x7f]/;
/** Nothing or dots alone, with path parameters or without. */
const hollow = /^\.{0,2}(?:;.*)?$/;
const asciiEscape = /%([0-7][\da-f])/gi;
const parameters = /;[^/]*/g;

/** Whether every server behind us will read this path as we do. */
export function isUnambiguous(path: string): boolean {
  if (plainPath.test(path)) return true;
  if (!path.startsWith('/') || forbidden.test(path)) return false;
  try {
    if (/\p{Cc}/u.test(decodeURIComponent(path))) return false;
  } catch {
    // a % that starts no character
    return false;
  }
  const decoded = decodeRepeatedly(path).at(-1) ?? path;
  if (/[\p{Cc}\\]/u.test(decoded)) return false;
  const segments = decoded.split('/').slice(1);
  return segments.every(
    (segment, index) => !hollow.test(segment) || (segment === '' && index === segments.length - 1),
  );
}

/** What servers that decode an unambiguous path, once or more, or that drop path parameters, look up in its place. */
export function otherReadings(path: string): readonly string[] {
  if (plainPath.test(path)) return [];
  return [path, ...decodeRepeatedly(path)].flatMap((text) => [text, text.replace(parameters, '')]);
}

/** Whether an unambiguous path has parameters (RFC 3986 §3.3), as it stands or decoded. */
export const hasParameters = (path: string): boolean =>
  !plainPath.test(path) && [path, ...decodeRepeatedly(path)].some((text) => text.includes(';'));

/** The path decoded once, twice and three times, while something changes. ASCII only: nothing else has a meaning here. */
function decodeRepeatedly(path: string): string[] {
  const decoded: string[] = [];
  for (let text = path; decoded.length < 3; ) {
    const next = text.replace(asciiEscape, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
    if (next === text) break;
    decoded.push(next);
    text = next;
  }
  return decoded;
}

/** Whether a path lies below a prefix, whole segments only. */
export function isBelow(path: string, prefix: string): boolean {
  if (prefix === '/') return true;
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return path.startsWith(base) && (path.length === base.length || path[base.length] === '/');
}

/** Path and query of a request target (RFC 9112 §3.2), or `undefined` where it is no path of this host. */
export function readTarget(
  target: string,
  host: string | undefined,
): { path: string; query: string } | undefined {
  let local = target;
  if (!target.startsWith('/')) {
    const match = /^https?:\/\/([^/?#]+)(\/[^#]*)?$/i.exec(target);
    if (match === null || match[1]?.toLowerCase() !== host?.toLowerCase()) return undefined;
    local = match[2] ?? '/';
  }
  const at = local.indexOf('?');
  return at === -1 ? { path: local, query: '' } : { path: local.slice(0, at), query: local.slice(at) };
}
