// servers disagree on what these mean, so a decision made on such a path may be about another resource than the one
// that the upstream serves: no such path is taken

/** Segments of harmless characters, none empty but the last, none of dots alone. */
export const plainPath =
  /^\/(?:(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+\/)*(?:(?!\.{1,2}$)[\w\-.~!$&'()*+,=:@]+)?$/;
const forbidden = /[\0-\x20\x7f\\#]|[^\0-\x7f]/;
const dots = /^\.{1,2}(?:;.*)?$/;

/** Whether every server behind us will read this path as we do. */
export function isUnambiguous(path: string): boolean {
  if (plainPath.test(path)) return true;
  if (!path.startsWith('/') || forbidden.test(path)) return false;
  let decoded = path;
  // some servers decode twice
  for (let round = 0; round < 3 && decoded.includes('%'); round++) {
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      // a % that starts no character, in an already decoded text or in the path itself
      if (round === 0) return false;
      break;
    }
    if (/[\p{Cc}\\]/u.test(decoded)) return false;
  }
  const segments = decoded.split('/').slice(1);
  return segments.every(
    (segment, index) => !dots.test(segment) && (segment !== '' || index === segments.length - 1),
  );
}

/** As far as a percent-encoding goes: what a server that decodes slashes would look up. */
export function decodePath(path: string): string {
  return path.includes('%') ? decodeURIComponent(path) : path;
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
