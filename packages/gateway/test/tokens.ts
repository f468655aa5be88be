import { choose, json, jwtType, neverAnswer, reply, signJwt, status } from '@phantom-token/conformance';
import { type AuthorizationServer, liveClaims, startAuthorizationServer } from './stage.js';

export interface NamedTokens extends AuthorizationServer {
  /** The configuration's `introspection` where the server is not waited for long: for `silent`, and nothing else. */
  readonly hastyIntrospection: object;
}

/** An authorization server whose answer lies in the token's name; what it does not know is active, with the scope `read`. */
export async function startNamedTokens(): Promise<NamedTokens> {
  const authorizationServer = await startAuthorizationServer();
  const { server, introspection, jwt } = authorizationServer;
  const jwtOf = async (claims: object) => reply(200, jwtType, await signJwt({ ...liveClaims, ...claims }));
  const answers = new Map([
    ['inactive', status(204)],
    ['expired', await jwtOf({ exp: 1_000_000_000 })],
    ['unscoped', await jwtOf({ scope: 'other' })],
    ['with-cnf', await jwtOf({ cnf: { jkt: 'x' } })],
    ['foreign', await jwtOf({ aud: 'https://other.example' })],
    ['failing', status(500)],
    ['refusing-us', status(401, { 'WWW-Authenticate': 'Basic realm="as"' })],
    ['html', reply(200, { 'Content-Type': 'text/html' }, '<title>login</title>')],
    ['json-only', json({ active: true })],
    ['busy', status(503, { 'Retry-After': '7' })],
    ['silent', neverAnswer()],
  ]);
  const good = reply(200, jwtType, jwt);
  server.answer(choose(({ form }) => answers.get(form.get('token') ?? '') ?? good));
  const patient = { ...introspection, audience: liveClaims.aud, breakerFailures: 0 };
  return {
    ...authorizationServer,
    introspection: patient,
    hastyIntrospection: { ...patient, timeoutSeconds: 0.3 },
  };
}

/** What the gateway says of these tokens on a route that asks for the scope `read`. */
export const refusals: readonly (readonly [token: string, status: number, challenge: string | undefined])[] =
  [
    ['inactive', 401, 'error="invalid_token", error_description="the token is not active"'],
    ['expired', 401, 'error="invalid_token", error_description="the token is not active"'],
    ['foreign', 401, 'error="invalid_token", error_description="the token is meant for another audience"'],
    [
      'with-cnf',
      401,
      'error="invalid_token", error_description="the token is sender-constrained and came without proof"',
    ],
    [
      'unscoped',
      403,
      'error="insufficient_scope", error_description="the token lacks a required scope", scope="read"',
    ],
    ['failing', 502, undefined],
    ['refusing-us', 502, undefined],
    ['html', 502, undefined],
    ['json-only', 502, undefined],
    ['busy', 503, undefined],
    ['silent', 504, undefined],
  ];
