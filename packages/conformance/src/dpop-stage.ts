import { type DpopVerifierOptions, dpopVerifier, type PhantomTokenClientOptions } from '@phantom-token/core';
import type { AdapterCase } from './adapter.js';
import { jwt } from './answers.js';
import { canaries } from './canaries.js';
import { scene } from './case-forms.js';
import { createProver, type Prover, publicOrigin } from './dpop-proofs.js';
import type { ExpectedAnswer } from './expected-answers.js';
import { goodClaims } from './jwt-samples.js';
import type { Door, SentRequest, Stage } from './stage.js';

const { token } = canaries;
/** What the challenges of these stages end with. */
export const algs = 'algs="ES256 EdDSA"';

const refuse = (status: number, error: string, description: string): ExpectedAnswer => ({
  status,
  challenge: `DPoP realm="api", error="${error}", error_description="${description}", ${algs}`,
  body: { error, error_description: description },
});

/** What a client is told by the DPoP scheme (RFC 9449 §7.1). */
export const refused = {
  faulty: (fault: string) => refuse(401, 'invalid_dpop_proof', `the DPoP proof is invalid: ${fault}`),
  withoutProof: refuse(401, 'invalid_token', 'the token came without the DPoP proof that it needs'),
  otherKey: refuse(401, 'invalid_token', 'the token is not bound to the key of a DPoP proof'),
  replayed: refuse(401, 'invalid_dpop_proof', 'the DPoP proof was used before'),
  withoutNonce: refuse(401, 'use_dpop_nonce', 'the DPoP proof needs the nonce of the DPoP-Nonce header'),
  inactive: refuse(401, 'invalid_token', 'the token is not active'),
  unprovable: refuse(401, 'invalid_token', 'the token is sender-constrained and came without proof'),
  malformed: refuse(400, 'invalid_request', 'the bearer token is malformed'),
};

/** A stage whose adapter takes DPoP, whose token is bound to the key of `client`. */
export interface Scene {
  readonly stage: Stage;
  readonly door: Door;
  readonly client: Prover;
  /** Another instance of the service: with memory of its own, but for the client, or else with other options. */
  another(options?: Partial<DpopVerifierOptions>, client?: Partial<PhantomTokenClientOptions>): Promise<Door>;
}

export function dpopScene(
  title: string,
  play: (scene: Scene) => Promise<void>,
  options: Partial<DpopVerifierOptions> = {},
): AdapterCase {
  return scene(title, {}, async (stage) => {
    const client = createProver(stage.clock);
    stage.server.answer(jwt({ ...goodClaims, cnf: { jkt: client.jkt } }));
    const another: Scene['another'] = (different, other) => {
      const dpop = dpopVerifier({
        origin: publicOrigin,
        algorithms: ['ES256', 'EdDSA'],
        ...options,
        ...different,
      });
      return stage.mount({ dpop, now: stage.clock }, other);
    };
    await play({ stage, door: await another(), client, another });
  });
}

/** A request with the canary token in the DPoP scheme, and these proofs, each in a field of its own. */
export const withProofs = (...proofs: readonly string[]): SentRequest => ({
  authorization: `DPoP ${token}`,
  fields: proofs.map((proof) => ['DPoP', proof] as const),
});
