import { noContent, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { row, scene } from '../case-forms.js';
import { refused, unknown } from '../expected-answers.js';

const resourceMetadata = 'https://api.example/.well-known/oauth-protected-resource';
const everything = { realm: 'orders', requiredScopes: ['admin', 'audit'], resourceMetadata };

const unfit: readonly (readonly [what: string, options: object, name: string])[] = [
  ['a realm with a quote', { realm: 'a"b' }, 'realm'],
  ['a realm with a backslash', { realm: 'a\\b' }, 'realm'],
  ['a realm with a line break', { realm: 'a\r\nSet-Cookie: x=y' }, 'realm'],
  ['a realm beyond ASCII', { realm: 'café' }, 'realm'],
  ['an empty realm', { realm: '' }, 'realm'],
  ['a scope with a space', { requiredScopes: ['read write'] }, 'requiredScopes'],
  ['a scope with a line break', { requiredScopes: ['read\r\n'] }, 'requiredScopes'],
  ['a scope with a quote', { requiredScopes: ['re"ad'] }, 'requiredScopes'],
  ['an empty scope', { requiredScopes: [''] }, 'requiredScopes'],
  [
    'resource metadata with a line break',
    { resourceMetadata: `${resourceMetadata}\r\n` },
    'resourceMetadata',
  ],
  ['a claim for Authorization', { claimHeaders: { AUTHORIZATION: 'sub' } }, 'AUTHORIZATION'],
  ['a claim for what frames the body', { claimHeaders: { content_length: 'sub' } }, 'content_length'],
  ['a claim for what proxies say', { claimHeaders: { 'X-Forwarded-For': 'sub' } }, 'X-Forwarded-For'],
  ['two claims for one header', { claimHeaders: { 'X-User': 'sub', x_user: 'name' } }, 'x_user'],
  ['a claim for no header', { claimHeaders: { 'X User': 'sub' } }, 'X User'],
  ['a header of no claim', { claimHeaders: { 'X-User': '' } }, 'X-User'],
  ['a list of claims', { claimHeaders: ['sub'] }, 'claimHeaders'],
  ['JWTs that nothing verifies', { acceptJwts: { verify: async () => {} } }, 'acceptJwts'],
  ['proofs that nothing verifies', { dpop: { algorithms: ['ES256'] } }, 'dpop.verify'],
  ['proofs of no algorithm', { dpop: { algorithms: [], verify: async () => {} } }, 'dpop.algorithms'],
  [
    'proofs of an algorithm with a quote',
    { dpop: { algorithms: ['"'], verify: async () => {} } },
    'dpop.algorithms',
  ],
  ['certificates from nowhere', { clientCertificate: {} }, 'clientCertificate'],
  ['a client that is none', { client: {} }, 'client'],
  ['an option that does not exist', { requiredScope: ['read'] }, 'requiredScope'],
];

/** The words of the challenge (RFC 6750 §3, RFC 9728 §5.1), and what may not be put into them. */
export const challengeCases = [
  row('a request without a token is told the realm, the scopes and the metadata', {
    sends: { authorization: [] },
    adapter: everything,
    gets: {
      ...refused.withoutToken,
      challenge: `Bearer realm="orders", scope="admin audit", resource_metadata="${resourceMetadata}"`,
    },
    calls: 0,
  }),
  row('a malformed token is told the realm first, then the error, and no scope', {
    sends: 'Bearer a b',
    adapter: everything,
    gets: {
      ...refused.malformed,
      challenge: `Bearer realm="orders", error="invalid_request", error_description="the bearer token is malformed", resource_metadata="${resourceMetadata}"`,
    },
    calls: 0,
  }),
  row('an inactive token is told the realm first, then the error, and no scope', {
    says: noContent(),
    adapter: everything,
    gets: {
      ...refused.inactive,
      challenge: `Bearer realm="orders", error="invalid_token", error_description="the token is not active", resource_metadata="${resourceMetadata}"`,
    },
  }),
  row('too little scope is told the realm, the error, the scopes and the metadata, in this order', {
    adapter: everything,
    gets: {
      ...refused.lacking('admin audit'),
      challenge: `Bearer realm="orders", error="insufficient_scope", error_description="the token lacks a required scope", scope="admin audit", resource_metadata="${resourceMetadata}"`,
    },
  }),
  row('an unknown outcome carries no challenge, whatever is configured', {
    says: status(500),
    adapter: everything,
    gets: unknown.unreliable,
  }),
  row('without replaceAuthorization the handler sees the header as it came', {
    adapter: { replaceAuthorization: false },
    sees: { replaced: false },
  }),
  ...unfit.map(([what, options, name]) =>
    scene(
      `${what} is refused with a TypeError naming ${name} when the adapter is made`,
      {},
      async ({ mount }) => {
        const error: unknown = await mount(options).catch((reason) => reason);
        const isNamed = error instanceof TypeError && error.message.includes(name);
        assertEqual(isNamed, true, 'a TypeError naming the option');
      },
    ),
  ),
];
