import type { TokenScheme } from './bearer.js';
import { type BearerError, IntrospectionError } from './errors.js';
import { flag, nonEmpty, nonEmptyList } from './option-checks.js';

export interface ChallengeOptions {
  /** The protection space (RFC 9110 §11.5). Default `api`. */
  readonly realm?: string;
  /** The scopes that a request needs, named in the challenge (RFC 6750 §3). Default none. */
  readonly requiredScopes?: readonly string[];
  /** The URL of the protected resource metadata (RFC 9728 §5.1). Default none. */
  readonly resourceMetadata?: string;
  /** What is offered beside Bearer (RFC 9449 §7.1); a `dpopVerifier` will do. Default: Bearer alone. */
  readonly dpop?: DpopOffer;
}

export interface DpopOffer {
  /** The algorithms that proofs may be signed with: the `algs` of the challenge. */
  readonly algorithms: readonly string[];
  /** Whether Bearer is not offered at all. Default false. */
  readonly required?: boolean | undefined;
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
  readonly dpop: { readonly algorithms: readonly string[]; readonly required: boolean } | undefined;
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
  return { realm, requiredScopes: scopes, resourceMetadata, dpop: resolveOffer(options.dpop) };
}

function resolveOffer(dpop: DpopOffer | undefined): ResolvedChallengeOptions['dpop'] {
  if (dpop === undefined) return undefined;
  const algorithms = nonEmptyList('dpop.algorithms', dpop?.algorithms);
  if (!algorithms.every((algorithm) => scopeToken.test(algorithm)))
    throw new TypeError('dpop.algorithms must be a list of algorithm names');
  return { algorithms, required: flag('dpop.required', dpop.required, false) };
}

/**
 * The answer to a request that was refused: status, `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7) and JSON body, all in
 * fixed texts. A request without credentials gets a bare challenge, one for each scheme that is offered; an UNKNOWN
 * outcome gets none. Browsers show `WWW-Authenticate` and `DPoP-Nonce` to scripts of other origins only where the
 * application's Access-Control-Expose-Headers names them.
 * @param scheme how the request presented its token, which the answer to it then speaks of. Default `Bearer`.
 * @throws {TypeError} for an option that does not fit into a header.
 */
export function challenge(
  error: BearerError | IntrospectionError,
  options: ChallengeOptions = {},
  scheme: TokenScheme = 'Bearer',
): Challenge {
  return buildChallenge(error, resolveChallengeOptions(options), scheme);
}

export function buildChallenge(
  error: BearerError | IntrospectionError,
  options: ResolvedChallengeOptions,
  scheme: TokenScheme,
): Challenge {
  if (error instanceof IntrospectionError) return buildUnavailable(error);
  const named = schemesFor(error, options, scheme).map((it) => buildScheme(it, error, options));
  const { dpopNonce } = error;
  return {
    status: error.status,
    headers: {
      ...jsonHeaders,
      'WWW-Authenticate': named.join(', '),
      ...(dpopNonce !== undefined && { 'DPoP-Nonce': dpopNonce }),
    },
    body: buildBody(error.error, error.message),
  };
}

// what went wrong is told by the scheme that was tried (RFC 9449 §7.2)
function schemesFor(
  { error, code }: BearerError,
  { dpop }: ResolvedChallengeOptions,
  tried: TokenScheme,
): readonly TokenScheme[] {
  if (code.startsWith('ERR_DPOP_')) return ['DPoP'];
  if (dpop === undefined) return ['Bearer'];
  if (dpop.required) return ['DPoP'];
  return error === undefined ? ['Bearer', 'DPoP'] : [tried];
}

function buildScheme(
  scheme: TokenScheme,
  { error, message }: BearerError,
  { realm, requiredScopes, resourceMetadata, dpop }: ResolvedChallengeOptions,
): string {
  const needed = error === undefined || error === 'insufficient_scope';
  const parameters = {
    realm,
    error,
    error_description: error && message,
    scope: needed && requiredScopes.length > 0 ? requiredScopes.join(' ') : undefined,
    resource_metadata: resourceMetadata,
    algs: scheme === 'DPoP' ? dpop?.algorithms.join(' ') : undefined,
  };
  const list = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return `${scheme} ${list.join(', ')}`;
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
