import { dpopVerifier } from '@phantom-token/core';
import type { AdapterCase } from '../adapter.js';
import { choose, jwt, noContent } from '../answers.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { createProver, digest, type Prover, publicOrigin } from '../dpop-proofs.js';
import { algs, dpopScene, refused, withProofs } from '../dpop-stage.js';
import { goodClaims } from '../jwt-samples.js';
import { dpopFaultCases } from './dpop-faults.js';
import { dpopNonceCases } from './dpop-nonces.js';
import { dpopReplayCases } from './dpop-replay.js';
import { dpopRequiredCases } from './dpop-required.js';
import { dpopTargetCases } from './dpop-targets.js';

const { token } = canaries;

/** DPoP-bound tokens (RFC 9449 §7): a proof is judged on every request, hit or miss. */
export const dpopCases: readonly AdapterCase[] = [
  dpopScene('a bound token with its proof passes, and again from the cache', async (it) => {
    const { door, client, stage } = it;
    const claims = { cnf: { jkt: client.jkt } };
    await door.passes(withProofs(client.prove()), { claims, source: 'introspection' });
    await door.passes(withProofs(client.prove()), { claims, source: 'memory' });
    const other = { ...withProofs(client.prove()), authorization: `dpop  ${token}` };
    await door.passes(other, { source: 'memory' });
    stage.asked(1);
    stage.askedFor(token);
  }),
  dpopScene('a proof that another key made: 401, and again from the cache', async (it) => {
    const { door, client, stage } = it;
    const other = createProver(stage.clock);
    await door.refuses(refused.otherKey, withProofs(other.prove()));
    await door.passes(withProofs(client.prove()));
    await door.refuses(refused.otherKey, withProofs(other.prove()));
    stage.asked(1);
  }),
  dpopScene('a bound token without a proof: 401, and again from the cache', async (it) => {
    const { door, client, stage } = it;
    await door.refuses(refused.withoutProof, withProofs());
    await door.passes(withProofs(client.prove()));
    await door.refuses(refused.withoutProof, withProofs());
    stage.asked(1);
  }),
  dpopScene(
    'a bound token as a bearer token: 401, with and without a proof, and again from the cache',
    async (it) => {
      const { door, client, stage } = it;
      const asBearer = (...proofs: string[]) => ({
        ...withProofs(...proofs),
        authorization: `Bearer ${token}`,
      });
      for (let round = 0; round < 2; round++) {
        await door.refuses(refused.withoutProof, asBearer());
        await door.refuses(refused.withoutProof, asBearer(client.prove()));
        await door.passes(withProofs(client.prove()));
      }
      stage.asked(1);
    },
  ),
  dpopScene(
    'a token that is bound to no key, presented as DPoP: 401, and again from the cache',
    async (it) => {
      const { door, client, stage } = it;
      stage.server.answer(jwt());
      await door.refuses(refused.otherKey, withProofs(client.prove()));
      await door.refuses(refused.otherKey, withProofs(client.prove()));
      await door.refuses(refused.otherKey, withProofs());
      stage.asked(1);
    },
  ),
  dpopScene(
    'a token that is bound to no key passes as a bearer token, whatever proof comes with it',
    async (it) => {
      const { door, client, stage } = it;
      stage.server.answer(jwt());
      await door.passes();
      await door.passes({ fields: [['DPoP', client.prove()]] });
      await door.passes({ fields: [['DPoP', 'no proof']] });
      stage.asked(1);
    },
  ),
  dpopScene('an inactive token in the DPoP scheme is refused by that scheme', async (it) => {
    const { door, client, stage } = it;
    stage.server.answer(noContent());
    await door.refuses(refused.inactive, withProofs(client.prove()));
    await door.refuses(refused.inactive, withProofs());
    stage.asked(1);
  }),
  dpopScene('a request without a token is offered both schemes', async ({ door, stage }) => {
    await door.refuses(
      {
        status: 401,
        challenge: `Bearer realm="api", DPoP realm="api", ${algs}`,
        body: { error_description: 'no bearer token was sent' },
      },
      { authorization: [] },
    );
    stage.asked(0);
  }),
  ...['DPoP', 'DPoP a b', 'DPoP\ta', 'DPoP a=b'].map((field) =>
    dpopScene(`${JSON.stringify(field)}: 400, nobody is asked`, async ({ door, client, stage }) => {
      await door.refuses(refused.malformed, { ...withProofs(client.prove()), authorization: field });
      stage.asked(0);
    }),
  ),
  dpopScene('a key that is good for one token is not for another', async ({ door, client, stage }) => {
    const other = createProver(stage.clock);
    const keys = new Map([['other', other]]);
    stage.server.answer(
      choose(({ form }) => {
        const { jkt } = keys.get(form.get('token') ?? '') ?? client;
        return jwt({ ...goodClaims, cnf: { jkt } });
      }),
    );
    const asOther = (prover: Prover) => ({
      ...withProofs(prover.prove({ ath: digest('other') })),
      authorization: 'DPoP other',
    });
    await door.passes(withProofs(client.prove()));
    await door.passes(asOther(other));
    await door.refuses(refused.otherKey, asOther(client));
    await door.refuses(refused.otherKey, withProofs(other.prove()));
  }),
  dpopScene('a token that is bound to a key that is none: 401', async ({ door, client, stage }) => {
    const jwk = { crv: 'P-256', kty: 'OKP', x: 'AAAA' };
    stage.server.answer(jwt({ ...goodClaims, cnf: { jkt: digest(JSON.stringify(jwk)) } }));
    await door.refuses(refused.faulty('jwk'), withProofs(client.prove({}, { jwk })));
  }),
  ...[[''], [7], [{}], [['jkt']]].map(([jkt]) =>
    dpopScene(`a token that is bound to the key ${JSON.stringify(jkt)}: 401`, async (it) => {
      const { door, client, stage } = it;
      stage.server.answer(jwt({ ...goodClaims, cnf: { jkt } }));
      await door.refuses(refused.unprovable, withProofs(client.prove()));
    }),
  ),
  scene('a proof goes no further than to us', { lookedAt: ['dpop'] }, async (stage) => {
    const client = createProver(stage.clock);
    stage.server.answer(jwt({ ...goodClaims, cnf: { jkt: client.jkt } }));
    const dpop = dpopVerifier({ origin: publicOrigin });
    const door = await stage.mount({ dpop, now: stage.clock });
    for (let round = 0; round < 2; round++)
      await door.passes(withProofs(client.prove()), { fields: { dpop: null } });
  }),
  dpopScene('who proves nothing is told of no scope', async ({ client, stage }) => {
    const dpop = dpopVerifier({ origin: publicOrigin, algorithms: ['ES256', 'EdDSA'] });
    const door = await stage.mount({ dpop, now: stage.clock, requiredScopes: ['admin'] });
    await door.refuses(refused.withoutProof, withProofs());
    await door.refuses(refused.otherKey, withProofs(createProver(stage.clock).prove()));
    await door.refuses(refused.faulty('htm'), withProofs(client.prove({ htm: 'POST' })));
  }),
  dpopScene('too little scope is told by the scheme that was tried', async ({ client, stage }) => {
    const dpop = dpopVerifier({ origin: publicOrigin, algorithms: ['ES256', 'EdDSA'] });
    const door = await stage.mount({ dpop, now: stage.clock, requiredScopes: ['admin'] });
    const words = 'the token lacks a required scope';
    await door.refuses(
      {
        status: 403,
        challenge: `DPoP realm="api", error="insufficient_scope", error_description="${words}", scope="admin", ${algs}`,
        body: { error: 'insufficient_scope', error_description: words },
      },
      withProofs(client.prove()),
    );
  }),
  dpopScene('a refusal of a proof has no body for HEAD', async ({ door, client }) => {
    await door.refuses(refused.faulty('htm'), { ...withProofs(client.prove()), method: 'HEAD' });
    await door.passes({ ...withProofs(client.prove({ htm: 'HEAD' })), method: 'HEAD' });
  }),
  dpopScene('a proof is for one method', async ({ door, client }) => {
    const proof = client.prove({ htm: 'POST' });
    await door.refuses(refused.faulty('htm'), withProofs(proof));
    await door.passes({ ...withProofs(proof), method: 'POST', body: 'a body' });
  }),
  ...dpopRequiredCases,
  ...dpopFaultCases,
  ...dpopTargetCases,
  ...dpopReplayCases,
  ...dpopNonceCases,
];
