import { BearerError } from './errors.js';
import { createRecentMap } from './recent-map.js';

const bearerCredentials = /^Bearer +([\w\-.~+/]+=*)$/i;
const bearerScheme = /^Bearer(?![\w!#$%&'*+.^`|~-])/i;
const quotedString = /"(?:[^"\\]|\\.)*"/g;
const secondCredentials = /^,|,[ \t]*[\w!#$%&'*+.^`|~-]+ +[^ =]/;

/** The parts of a request in which a token is looked for. */
export interface BearerRequest {
  /** Absolute, or path and query. */
  readonly url: string;
  /** Every Authorization field of the request. Fetch joins several with a comma; Node only keeps all in `rawHeaders`. */
  readonly authorization: string | readonly string[] | undefined;
}

/**
 * Makes the function from a request to its token of RFC 6750 §2.1, byte for byte. Tokens in the query or a form body
 * (§2.2, §2.3) are not supported. Fields that were read lately are not read again.
 * @throws {BearerError} ERR_NO_TOKEN, ERR_MULTIPLE_TOKENS or ERR_MALFORMED_TOKEN; the function does.
 */
export function createBearerParser(): (request: BearerRequest) => string {
  const recent = createRecentMap<string>();
  return ({ url, authorization }) => {
    if (typeof authorization === 'object' && authorization.length > 1)
      throw new BearerError('ERR_MULTIPLE_TOKENS');
    const field = (typeof authorization === 'object' ? authorization[0] : authorization) ?? '';
    const token = recent.get(field) ?? recent.set(field, parseField(field));
    if (hasQueryToken(url)) throw new BearerError('ERR_MULTIPLE_TOKENS');
    return token;
  };
}

const parseField = (field: string) =>
  bearerCredentials.exec(field)?.[1] ?? parseUnusual(trimOptionalSpace(field));

function parseUnusual(field: string): string {
  const token = bearerCredentials.exec(field)?.[1];
  if (token !== undefined) return token;
  if (secondCredentials.test(field.replace(quotedString, '""'))) throw new BearerError('ERR_MULTIPLE_TOKENS');
  throw new BearerError(bearerScheme.test(field) ? 'ERR_MALFORMED_TOKEN' : 'ERR_NO_TOKEN');
}

// HTTP's optional white space only; String.trim takes far more
const trimOptionalSpace = (field: string) => field.replace(/^[ \t]+|[ \t]+$/g, '');

// a second method in one request is an error (RFC 6750 §2), whether or not it is one that we read
function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start + 1)).has('access_token');
}
