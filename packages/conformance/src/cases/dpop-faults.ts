import { createHmac } from 'node:crypto';
import { canaries } from '../canaries.js';
import { createProver, digest, type Prover, publicOrigin } from '../dpop-proofs.js';
import { dpopScene, refused, withProofs } from '../dpop-stage.js';

const { token } = canaries;

type Spoil = (client: Prover, other: Prover) => string | readonly string[];

const faulty: readonly (readonly [what: string, fault: string, spoil: Spoil])[] = [
  ['an empty proof', 'jwt', () => ''],
  ['a proof that is no JWT', 'jwt', () => 'proof'],
  ['a proof without its signature', 'jwt', (client) => client.prove().replace(/[^.]+$/, '')],
  ['two proofs', 'jwt', (client) => [client.prove(), client.prove()]],
  ['the same proof twice', 'jwt', (client) => repeat(client.prove())],
  ['two proofs joined with a comma', 'jwt', (client) => `${client.prove()}, ${client.prove()}`],
  ['a proof beside an empty one', 'jwt', (client) => [client.prove(), '']],
  ['a proof that is too long', 'jwt', (client) => client.prove({ jti: 'x'.repeat(6000) })],
  ['two methods', 'jwt', (client) => client.prove({}, {}, (json) => json.replace('{', '{"htm":"POST",'))],
  ['bytes that are no UTF-8', 'jwt', (client) => client.prove({ odd: '\xff' }, {}, toLatin1)],
  ['no typ', 'typ', (client) => client.prove({}, { typ: undefined })],
  ['the typ JWT', 'typ', (client) => client.prove({}, { typ: 'JWT' })],
  ['the typ at+jwt', 'typ', (client) => client.prove({}, { typ: 'at+jwt' })],
  ['no alg', 'alg', (client) => client.prove({}, { alg: undefined })],
  ['the alg none', 'alg', (client) => client.prove({}, { alg: 'none' })],
  ['an HMAC with the public key', 'alg', (client) => proveWithPublicKey(client)],
  ['an alg that is not accepted', 'alg', (client) => client.prove({}, { alg: 'RS256' })],
  ['an unknown extension', 'crit', (client) => client.prove({}, { crit: ['x'], x: 1 })],
  ['no key', 'jwk', (client) => client.prove({}, { jwk: undefined })],
  ['a private key', 'jwk', (client) => client.prove({}, { jwk: client.privateJwk })],
  [
    'a key with a part that is no string',
    'jwk',
    (client) => client.prove({}, { jwk: { ...client.jwk, x: 1 } }),
  ],
  ['a key with an empty part', 'jwk', (client) => client.prove({}, { jwk: { ...client.jwk, x: '' } })],
  ['a key that is a list', 'jwk', (client) => client.prove({}, { jwk: [client.jwk] })],
  ['a key of an unknown kind', 'jwk', (client) => client.prove({}, { jwk: { kty: 'XX', x: 'AAAA' } })],
  ['a shared key', 'jwk', (client) => client.prove({}, { jwk: { kty: 'oct', k: 'AAAA' } })],
  ['another key than it shows', 'signature', (client, other) => other.prove({}, { jwk: client.jwk })],
  ['no jti', 'jti', (client) => client.prove({ jti: undefined })],
  ['an empty jti', 'jti', (client) => client.prove({ jti: '' })],
  ['a jti that is no string', 'jti', (client) => client.prove({ jti: 1 })],
  ['no method', 'htm', (client) => client.prove({ htm: undefined })],
  ['another method', 'htm', (client) => client.prove({ htm: 'POST' })],
  ['the method in lower case', 'htm', (client) => client.prove({ htm: 'get' })],
  ['no URL', 'htu', (client) => client.prove({ htu: undefined })],
  ['a path for a URL', 'htu', (client) => client.prove({ htu: '/' })],
  ['another path', 'htu', (client) => client.prove({ htu: `${publicOrigin}/other` })],
  ['another host', 'htu', (client) => client.prove({ htu: 'https://other.example/' })],
  ['another port', 'htu', (client) => client.prove({ htu: `${publicOrigin}:8443/` })],
  ['another scheme', 'htu', (client) => client.prove({ htu: 'http://api.example/' })],
  ['a user in the URL', 'htu', (client) => client.prove({ htu: 'https://user@api.example/' })],
  ['a backslash in the URL', 'htu', (client) => client.prove({ htu: `${publicOrigin}\\` })],
  ['no iat', 'iat', (client) => client.prove({ iat: undefined })],
  ['an iat of 70 s ago', 'iat', (client) => shifted(client, -70)],
  ['an iat 10 s ahead', 'iat', (client) => shifted(client, 10)],
  ['an iat in milliseconds', 'iat', (client) => client.prove({ iat: 1_800_000_000_000 })],
  ['an iat that is a string', 'iat', (client) => client.prove({ iat: '1800000000' })],
  ['no ath', 'ath', (client) => client.prove({ ath: undefined })],
  ['the ath of another token', 'ath', (client) => client.prove({ ath: digest('another') })],
  ['the ath of the token without its padding', 'ath', (client) => client.prove({ ath: digest(bare) })],
  ['the token itself for ath', 'ath', (client) => client.prove({ ath: token.replaceAll('=', '') })],
];

const bare = token.replace(/=+$/, '');

const toLatin1 = (json: string) => Buffer.from(json, 'latin1');

const repeat = (proof: string) => [proof, proof];

/** The claims of a good proof, so many seconds earlier or later. */
function shifted(client: Prover, seconds: number): string {
  const [, claims = ''] = client.prove().split('.');
  const { iat } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return client.prove({ iat: iat + seconds });
}

/** The attack on verifiers that take the embedded key for a shared secret. */
function proveWithPublicKey(client: Prover): string {
  const text = client.prove({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
  return `${text}.${createHmac('sha256', JSON.stringify(client.jwk)).update(text).digest('base64url')}`;
}

/** Proofs that one of the checks of RFC 9449 §4.3 refuses, on hits as on misses. */
export const dpopFaultCases = [
  ...faulty.map(([what, fault, spoil]) =>
    dpopScene(`a proof with ${what}: 401, and again from the cache`, async ({ door, client, stage }) => {
      const proofs = () => withProofs(...[spoil(client, createProver(stage.clock))].flat());
      await door.refuses(refused.faulty(fault), proofs());
      await door.passes(withProofs(client.prove()));
      await door.refuses(refused.faulty(fault), proofs());
      stage.asked(1);
    }),
  ),
];
