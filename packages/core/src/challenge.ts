import { type BearerError, IntrospectionError } from './errors.js';
import { nonEmpty, nonEmptyList } from './option-checks.js';

export interface ChallengeOptions {
  /** The protection space (RFC 9110 §11.5). Default `api`. */
  readonly realm?: string;
  /** The scopes that a request needs, named in the challenge (RFC 6750 §3). Default none. */
  readonly requiredScopes?: readonly string[];
  /** The URL of the protected resource metadata (RFC 9728 §5.1). Default none. */
  readonly resourceMetadata?: string;
}

/** A refusal, ready to be written. Header names as in the RFCs; the body is JSON text. */
export interface Challenge {
  readonly status: 400 | 401 | 403 | 502 | 503 | 504;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ResolvedChallengeOptions {
  readonly realm: string;
  readonly requiredScopes: readonly string[];
  readonly resourceMetadata: string | undefined;
}

const quotable = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** @throws {TypeError} naming the option whose value does not fit into a header (RFC 6750 §3). */
export function resolveChallengeOptions(options: ChallengeOptions): ResolvedChallengeOptions {
  const { realm = 'api', requiredScopes = [], resourceMetadata } = options;
  if (!quotable.test(nonEmpty('realm', realm))) {
    throw new TypeError('realm must be printable ASCII without quotes and backslashes');
  }
  const scopes =
    Array.isArray(requiredScopes) && requiredScopes.length === 0
      ? []
      : nonEmptyList('requiredScopes', requiredScopes);
  if (!scopes.every((scope) => scopeToken.test(scope))) {
    throw new TypeError('requiredScopes must be a list of single scopes: no spaces, quotes or backslashes');
  }
  if (
    resourceMetadata !== undefined &&
    !(quotable.test(nonEmpty('resourceMetadata', resourceMetadata)) && URL.canParse(resourceMetadata))
  ) {
    throw new TypeError('resourceMetadata must be an absolute URL in ASCII');
  }
  return { realm, requiredScopes: scopes, resourceMetadata };
}

/**
 * The answer to a request that was refused: status, `WWW-Authenticate` (RFC 6750 §3) and JSON body, all in fixed texts.
 * A request without credentials gets a bare challenge; an UNKNOWN outcome gets none.
 * @throws {TypeError} for an option that does not fit into a header.
 */
export function challenge(
  error: BearerError | IntrospectionError,
  options: ChallengeOptions = {},
): Challenge {
  return buildChallenge(error, resolveChallengeOptions(options));
}

export function buildChallenge(
  error: BearerError | IntrospectionError,
  { realm, requiredScopes, resourceMetadata }: ResolvedChallengeOptions,
): Challenge {
  if (error instanceof IntrospectionError) return buildUnavailable(error);
  const needed = error.error === undefined || error.error === 'insufficient_scope';
  const parameters = {
    realm,
    error: error.error,
    error_description: error.error && error.message,
    scope: needed && requiredScopes.length > 0 ? requiredScopes.join(' ') : undefined,
    resource_metadata: resourceMetadata,
  };
  const list = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return {
    status: error.status,
    headers: { ...jsonHeaders, 'WWW-Authenticate': `Bearer ${list.join(', ')}` },
    body: buildBody(error.error, error.message),
  };
}

function buildUnavailable(error: IntrospectionError): Challenge {
  const body =
    error.status === 502
      ? buildBody('server_error', 'the token could not be checked')
      : buildBody('temporarily_unavailable', 'the token cannot be checked at the moment');
  return { status: error.status, headers: { ...jsonHeaders, ...error.headers }, body };
}

const jsonHeaders = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

const buildBody = (error: string | undefined, error_description: string) =>
  JSON.stringify({ error, error_description });
