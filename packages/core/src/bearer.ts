import { BearerError } from './errors.js';
import { createRecentMap } from './recent-map.js';

/** How a token was presented: as a bearer token (RFC 6750 §2.1) or with a proof beside it (RFC 9449 §7.1). */
export type TokenScheme = 'Bearer' | 'DPoP';

/** A token as it came in the Authorization field. Frozen. */
export interface PresentedToken {
  readonly scheme: TokenScheme;
  /** Byte for byte. */
  readonly token: string;
}

/** The parts of a request in which a token is looked for. */
export interface BearerRequest {
  /** Absolute, or path and query. */
  readonly url: string;
  /** Every Authorization field of the request. Fetch joins several with a comma; Node only keeps all in `rawHeaders`. */
  readonly authorization: string | readonly string[] | undefined;
}

interface Grammar {
  readonly credentials: RegExp;
  readonly scheme: RegExp;
}

const grammarOf = (schemes: string): Grammar => ({
  credentials: new RegExp(`^(${schemes}) +([\\w\\-.~+/]+=*)$`, 'i'),
  scheme: new RegExp(`^(?:${schemes})(?![\\w!#$%&'*+.^\`|~-])`, 'i'),
});

const bearerAlone = grammarOf('Bearer');
const bearerAndDpop = grammarOf('Bearer|DPoP');
const dpopScheme = grammarOf('DPoP').scheme;
const quotedString = /"(?:[^"\\]|\\.)*"/g;
const secondCredentials = /^,|,[ \t]*[\w!#$%&'*+.^`|~-]+ +[^ =]/;

/**
 * Makes the function from a request to its token of RFC 6750 §2.1, and of RFC 9449 §7.1 where `dpop` is set; otherwise
 * the DPoP scheme is a foreign one. Tokens in the query or a form body (§2.2, §2.3) are not supported. Fields that were
 * read lately are not read again.
 * @throws {BearerError} ERR_NO_TOKEN, ERR_MULTIPLE_TOKENS or ERR_MALFORMED_TOKEN; the function does.
 */
export function createBearerParser({
  dpop = false,
}: {
  readonly dpop?: boolean;
} = {}): (request: BearerRequest) => PresentedToken {
  const grammar = dpop ? bearerAndDpop : bearerAlone;
  const recent = createRecentMap<PresentedToken>();
  return ({ url, authorization }) => {
    if (typeof authorization === 'object' && authorization.length > 1)
      throw new BearerError('ERR_MULTIPLE_TOKENS');
    const field = firstField(authorization);
    const presented = recent.get(field) ?? recent.set(field, parseField(field, grammar));
    if (hasQueryToken(url)) throw new BearerError('ERR_MULTIPLE_TOKENS');
    return presented;
  };
}

/** The scheme that a refusal is to speak of: DPoP where the request tried that, whatever came of it, else Bearer. */
export const schemeOf = ({ authorization }: Pick<BearerRequest, 'authorization'>): TokenScheme =>
  dpopScheme.test(trimOptionalSpace(firstField(authorization))) ? 'DPoP' : 'Bearer';

const firstField = (authorization: BearerRequest['authorization']) =>
  (typeof authorization === 'object' ? authorization[0] : authorization) ?? '';

const parseField = (field: string, grammar: Grammar) =>
  parseCredentials(field, grammar) ?? parseUnusual(trimOptionalSpace(field), grammar);

function parseCredentials(field: string, { credentials }: Grammar): PresentedToken | undefined {
  const [, scheme, token] = credentials.exec(field) ?? [];
  if (scheme === undefined || token === undefined) return undefined;
  return Object.freeze({ scheme: scheme.length === 'DPoP'.length ? 'DPoP' : 'Bearer', token });
}

function parseUnusual(field: string, grammar: Grammar): PresentedToken {
  const presented = parseCredentials(field, grammar);
  if (presented !== undefined) return presented;
  if (secondCredentials.test(field.replace(quotedString, '""'))) throw new BearerError('ERR_MULTIPLE_TOKENS');
  throw new BearerError(grammar.scheme.test(field) ? 'ERR_MALFORMED_TOKEN' : 'ERR_NO_TOKEN');
}

// HTTP's optional white space only; String.trim takes far more
const trimOptionalSpace = (field: string) => field.replace(/^[ \t]+|[ \t]+$/g, '');

// a second method in one request is an error (RFC 6750 §2), whether or not it is one that we read
function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start + 1)).has('access_token');
}
