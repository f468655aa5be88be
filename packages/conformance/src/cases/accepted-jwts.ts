import { jwtVerifier } from '@phantom-token/core';
import { noContent } from '../answers.js';
import { row, scene } from '../case-forms.js';
import { refused } from '../expected-answers.js';
import {
  createJwtSigner,
  goodClaims,
  type Payload,
  sampleSigner,
  signJwt,
  unsignedJwt,
} from '../jwt-samples.js';
import type { Stage } from '../stage.js';

/** A route that takes the issuer's own JWTs. */
async function mountAccepting(stage: Stage, requiredScopes: readonly string[] = []) {
  const { jwks } = await sampleSigner();
  const acceptJwts = jwtVerifier({ issuer: goodClaims.iss, audience: goodClaims.aud, jwks });
  return stage.mount({ acceptJwts, now: stage.clock, requiredScopes });
}

const others: readonly (readonly [what: string, make: () => string | Promise<string>])[] = [
  ['an opaque token that looks like a JWT', () => 'an.opaque.token'],
  ['a JWT that somebody else signed', async () => (await createJwtSigner('sample')).sign(goodClaims)],
  ['a JWT of another issuer', () => signed({ iss: 'https://other.example' })],
  ['a JWT for another audience', () => signed({ aud: 'https://other.example' })],
  ['a JWT that has ended', () => signed({ exp: goodClaims.iat })],
  ['a JWT without an end', () => signed({ exp: undefined })],
  ['a JWT of another type', () => signJwt(goodClaims, { typ: 'JWT' })],
  ['a refresh token of the issuer', () => signed({ token_use: 'refresh' })],
  ['a JWT without a signature', () => unsignedJwt({ alg: 'none', typ: 'at+jwt' }, goodClaims, 'AAAA')],
];

const signed = (claims: Exclude<Payload, string>) => signJwt({ ...goodClaims, ...claims });

/** Mixed traffic: tokens that are JWTs and verify pass as they are; the look of a token decides nothing. */
export const acceptedJwtCases = [
  scene('a presented JWT that verifies passes as it is, and is verified once', {}, async (stage) => {
    const { passes } = await mountAccepting(stage);
    const authorization = `Bearer ${await signJwt(goodClaims)}`;
    await passes(authorization, { source: 'verification' });
    await passes(authorization, { source: 'memory' });
    stage.asked(0);
  }),
  scene('a presented JWT that verifies is refused after its end', { says: noContent() }, async (stage) => {
    const { passes, refuses } = await mountAccepting(stage);
    const authorization = `Bearer ${await signed({ exp: goodClaims.iat + 60 })}`;
    await passes(authorization);
    stage.clock.advance(60);
    await refuses(refused.inactive, authorization);
    stage.asked(1);
  }),
  scene('a presented JWT that verifies is verified again after 300 s', {}, async (stage) => {
    const { passes } = await mountAccepting(stage);
    const authorization = `Bearer ${await signJwt(goodClaims)}`;
    for (const source of ['verification', 'memory'] as const) await passes(authorization, { source });
    stage.clock.advance(300);
    await passes(authorization, { source: 'verification' });
    stage.asked(0);
  }),
  scene('a presented JWT that does not verify is tried again after 5 s', {}, async (stage) => {
    let isOurs = false;
    const acceptJwts = {
      context: 'of our own',
      async verify() {
        if (!isOurs) throw new Error('not ours');
      },
    };
    const { passes } = await stage.mount({ acceptJwts, now: stage.clock });
    const authorization = `Bearer ${await signJwt(goodClaims)}`;
    await passes(authorization, { source: 'introspection' });
    isOurs = true;
    stage.clock.advance(4);
    await passes(authorization, { source: 'memory' });
    stage.clock.advance(1);
    await passes(authorization, { source: 'verification' });
  }),
  scene('a presented JWT that verifies needs the scopes of the route', {}, async (stage) => {
    const { refuses } = await mountAccepting(stage, ['admin']);
    await refuses(refused.lacking('admin'), `Bearer ${await signJwt(goodClaims)}`);
    stage.asked(0);
  }),
  ...others.map(([what, make]) =>
    scene(`${what} is introspected`, {}, async (stage) => {
      const { passes } = await mountAccepting(stage);
      const token = await make();
      await passes(`Bearer ${token}`, { source: 'introspection' });
      await passes(`Bearer ${token}`, { source: 'memory' });
      stage.askedFor(token);
    }),
  ),
  scene('an opaque token beside them is introspected as ever', {}, async (stage) => {
    const { passes } = await mountAccepting(stage);
    await passes();
    stage.asked(1);
  }),
  row('without the option a presented JWT is introspected like any token', {
    says: noContent(),
    sends: { authorization: `Bearer ${unsignedJwt({ alg: 'RS256' }, goodClaims, 'AAAA')}` },
    gets: refused.inactive,
  }),
];
