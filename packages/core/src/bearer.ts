import { BearerError } from './errors.js';
import { copyOf, createRecentMap } from './recent-map.js';

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

const dpopScheme = grammarOf('DPoP').scheme;
const word = "[\\w!#$%&'*+.^`|~-]+";
const parameter = `${word}[ \\t]*=[ \\t]*(?:""|[^ \\t,"=][^ \\t,"]*)`;
/** Credentials whose commas separate parameters (RFC 9110 §11.4), with any characters that servers put into values. */
const parameters = new RegExp(`^${word} +${parameter}(?:[ \\t]*,[ \\t]*${parameter})*$`);
const secondCredentials = new RegExp(`^,|,[ \\t]*${word} +[^ =]`);

/** Tokens in the query or a form body (RFC 6750 §2.2, §2.3) are not supported. */
function createParser(grammar: Grammar): (request: BearerRequest) => PresentedToken {
  const recent = createRecentMap<PresentedToken>();
  const parseAnew = (text: string) => {
    const field = copyOf(text);
    return recent.set(field, parseField(field, grammar));
  };
  return ({ url, authorization }) => {
    if (typeof authorization === 'object' && authorization.length > 1)
      throw new BearerError('ERR_MULTIPLE_TOKENS');
    const field = firstField(authorization);
    const presented = recent.get(field) ?? parseAnew(field);
    if (hasQueryToken(url)) throw new BearerError('ERR_MULTIPLE_TOKENS');
    return presented;
  };
}

// made once for all authorizers: fields that were read lately are kept, and clients choose what is in them

/**
 * The token of a request by RFC 6750 §2.1; the DPoP scheme is a foreign one.
 * @throws {BearerError} ERR_NO_TOKEN, ERR_MULTIPLE_TOKENS or ERR_MALFORMED_TOKEN.
 */
export const parseBearer = createParser(grammarOf('Bearer'));

/** The same, by RFC 9449 §7.1 too. */
export const parseBearerOrDpop = createParser(grammarOf('Bearer|DPoP'));

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
  const outline = withoutStrings(field);
  if (secondCredentials.test(outline)) throw new BearerError('ERR_MULTIPLE_TOKENS');
  if (grammar.scheme.test(field)) throw new BearerError('ERR_MALFORMED_TOKEN');
  // Fetch puts a comma between two fields, even where one of them is empty or a bare scheme
  const isOne = !outline.includes(',') || parameters.test(outline);
  throw new BearerError(isOne ? 'ERR_NO_TOKEN' : 'ERR_MULTIPLE_TOKENS');
}

/** A string to its end, or to that of the text: what is never closed is gone through once, not from every quote anew. */
const quotedString = /"(?:[^"\\]|\\.)*("?)/g;

/** The field with `""` for every quoted string (RFC 9110 §5.6.4); one that is never closed is none. */
export const withoutStrings = (field: string) =>
  field.replace(quotedString, (text, end) => (end === '' ? text : '""'));

/** HTTP's optional white space only: String.trim takes far more. Not a pattern, which would try every space inside. */
function trimOptionalSpace(field: string): string {
  let [start, end] = [0, field.length];
  while (isOptionalSpace(field[start])) start++;
  while (end > start && isOptionalSpace(field[end - 1])) end--;
  return field.slice(start, end);
}

const isOptionalSpace = (character: string | undefined) => character === ' ' || character === '\t';

// a second method in one request is an error (RFC 6750 §2), whether or not it is one that we read
function hasQueryToken(url: string): boolean {
  const start = url.indexOf('?');
  return start !== -1 && new URLSearchParams(url.slice(start + 1)).has('access_token');
}
