import { hopByHop } from './hop-by-hop.js';
import { fieldName, rememberKinds } from './name-kinds.js';
import { plainPath } from './request-path.js';

/** A request that the fast lane takes: GET without a body, every byte of it ordinary. */
export interface FastRequest {
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly host: string;
  readonly authorization: string | undefined;
  /** The fields for the upstream but for those that we say ourselves, as lines. */
  readonly fields: string;
  /** The Authorization lines, for a route that needs no token. */
  readonly credentials: string;
}

/** Visible ASCII, spaces and tabs, in lines that end with CRLF and are not folded. */
const ordinary = /^(?:[\t\x20-\x7e]*\r\n(?![\t ]))*$/;
const ordinaryQuery = /^\?[^#\\ \t]*$/;
/** The few highest ports are left to the general lane, which knows where they end. */
const ordinaryHost = /^(?:[\w.-]+|\[[\da-f:]+\])(?::(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}))?$/i;

/** What a field means to us. */
type Kind = 'pass' | 'drop' | 'host' | 'authorization' | 'dpop' | 'connection' | 'unusual';

const kinds = new Map<string, Kind>([
  ['host', 'host'],
  ['authorization', 'authorization'],
  ['dpop', 'dpop'],
  ['connection', 'connection'],
  ['forwarded', 'drop'],
  ['x-real-ip', 'drop'],
]);
for (const name of ['content-length', 'expect', ...hopByHop])
  if (!kinds.has(name)) kinds.set(name, 'unusual');

// CGI and its kin take other separators for the hyphen
const forwardedName = /^x[-_.](?:forwarded[-_.]|real[-_.]ip$)/;

const kindOf = rememberKinds((name): Kind => {
  if (!fieldName.test(name)) return 'unusual';
  const lower = name.toLowerCase();
  return kinds.get(lower) ?? (forwardedName.test(lower) ? 'drop' : 'pass');
});

/**
 * Reads a request head with the empty line after it. `undefined` for all that is not ordinary in every respect: the
 * general lane judges that. Nothing is mended or tolerated here.
 */
export function parseFastRequest(head: string, maxHeaders: number): FastRequest | undefined {
  const lineEnd = head.indexOf('\r\n');
  if (!head.startsWith('GET /') || !head.startsWith(' HTTP/1.1', lineEnd - 9) || !ordinary.test(head))
    return undefined;
  const target = head.slice(4, lineEnd - 9);
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  if (!plainPath.test(path) || (query !== '' && !ordinaryQuery.test(query))) return undefined;

  let host: string | undefined;
  let authorization: string | undefined;
  let fields = '';
  let credentials = '';
  let count = 0;
  for (let at = lineEnd + 2; at < head.length - 2; ) {
    const end = head.indexOf('\r\n', at);
    const colon = head.indexOf(':', at);
    if (colon === -1 || colon > end || ++count > maxHeaders) return undefined;
    switch (kindOf(head.slice(at, colon))) {
      case 'pass':
        fields += head.slice(at, end + 2);
        break;
      case 'drop':
        break;
      case 'host':
        if (host !== undefined) return undefined;
        host = head.slice(colon + 1, end).trim();
        break;
      case 'authorization':
        if (authorization !== undefined) return undefined;
        authorization = head.slice(colon + 1, end).trim();
        credentials += head.slice(at, end + 2);
        break;
      case 'dpop':
        credentials += head.slice(at, end + 2);
        break;
      case 'connection':
        if (
          head
            .slice(colon + 1, end)
            .trim()
            .toLowerCase() !== 'keep-alive'
        )
          return undefined;
        break;
      default:
        return undefined;
    }
    at = end + 2;
  }
  if (host === undefined || !ordinaryHost.test(host)) return undefined;
  return { path, query, host, authorization, fields, credentials };
}
