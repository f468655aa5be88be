/** An answer, exactly. */
export interface ExpectedAnswer {
  readonly status: number;
  /** `WWW-Authenticate`; absent means that there is none. */
  readonly challenge?: string;
  /** `Retry-After`; absent means that there is none. */
  readonly retryAfter?: string;
  /** The JSON body. */
  readonly body: Readonly<Record<string, string>>;
}

function refuse(status: number, error: string | undefined, description: string): ExpectedAnswer {
  const reason = error === undefined ? '' : `, error="${error}", error_description="${description}"`;
  return {
    status,
    challenge: `Bearer realm="api"${reason}`,
    body: { ...(error !== undefined && { error }), error_description: description },
  };
}

/** The client is to blame (RFC 6750 §3). */
export const refused = {
  withoutToken: refuse(401, undefined, 'no bearer token was sent'),
  severalTokens: refuse(400, 'invalid_request', 'more than one token was sent'),
  malformed: refuse(400, 'invalid_request', 'the bearer token is malformed'),
  tooLong: refuse(400, 'invalid_request', 'the bearer token is too long'),
  inactive: refuse(401, 'invalid_token', 'the token is not active'),
  wrongIssuer: refuse(401, 'invalid_token', 'the token was issued by another authorization server'),
  wrongAudience: refuse(401, 'invalid_token', 'the token is meant for another audience'),
  senderConstrained: refuse(401, 'invalid_token', 'the token is sender-constrained and came without proof'),
  withoutCertificate: refuse(
    401,
    'invalid_token',
    'the token is bound to a client certificate that was not presented',
  ),
  lacking(scope: string): ExpectedAnswer {
    const refusal = refuse(403, 'insufficient_scope', 'the token lacks a required scope');
    return { ...refusal, challenge: `${refusal.challenge}, scope="${scope}"` };
  },
} as const;

const later = {
  error: 'temporarily_unavailable',
  error_description: 'the token cannot be checked at the moment',
} as const;

/** Nothing reliable is known of the token. */
export const unknown = {
  unreliable: {
    status: 502,
    body: { error: 'server_error', error_description: 'the token could not be checked' },
  },
  timedOut: { status: 504, body: later },
  busy: (retryAfterSeconds: number): ExpectedAnswer => ({
    status: 503,
    retryAfter: String(retryAfterSeconds),
    body: later,
  }),
} as const;
