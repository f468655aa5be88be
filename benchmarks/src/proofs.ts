import { createHash, randomUUID } from 'node:crypto';
import { createAuthorizer, dpopVerifier } from '@phantom-token/core';
import {
  calculateJwkThumbprint,
  compactVerify,
  EmbeddedJWK,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { audience, token } from './authorization-server.js';
import { createHotClient, type Key } from './guards.js';
import { measurePairs, type PairedResult } from './paired.js';

/** How the signature is verified that a guard's work is compared to. */
export type Verification = 'imports the key' | 'has the key';

export interface ProofSlices {
  readonly pairs: number;
  readonly warmUps: number;
  readonly proofsInSlice: number;
}

const request = { method: 'GET', url: '/orders', authorization: `DPoP ${token}` } as const;

/**
 * Microseconds of a guard's judgement of a hot token that is bound to a DPoP key, against jose's verification of the same
 * proof and nothing else. No proof is used twice; all are signed beforehand, for a clock that stands.
 */
export async function measureProofs(
  issuerKey: Key,
  verification: Verification,
  { pairs, warmUps, proofsInSlice }: ProofSlices,
): Promise<PairedResult> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const at = Math.floor(Date.now() / 1000);
  const ath = createHash('sha256').update(token).digest('base64url');
  const sign = () =>
    new SignJWT({ jti: randomUUID(), htm: request.method, htu: `${audience}${request.url}`, iat: at, ath })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .sign(privateKey);
  const count = (pairs + warmUps) * proofsInSlice;
  const proofs = await Promise.all(Array.from({ length: count }, sign));

  const now = () => at;
  const cnf = { jkt: await calculateJwkThumbprint(jwk) };
  const client = await createHotClient(issuerKey, { now }, { cnf });
  const { authorize } = createAuthorizer({ client, now, dpop: dpopVerifier({ origin: audience }) });
  const judge = async (dpop: string) => authorize({ ...request, dpop });
  await assertSpends(judge, await sign());

  const key = await importJWK(jwk, 'ES256');
  const verify =
    verification === 'imports the key'
      ? (proof: string) =>
          jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', currentDate: new Date(at * 1000) })
      : (proof: string) => compactVerify(proof, key);
  return measurePairs(
    pairs,
    eachOf(proofs, proofsInSlice, judge),
    eachOf(proofs, proofsInSlice, verify),
    warmUps,
  );
}

/** Microseconds that a proof takes, for the next slice of them with every call. */
function eachOf(proofs: readonly string[], count: number, work: (proof: string) => Promise<unknown>) {
  let next = 0;
  return async () => {
    const slice = proofs.slice(next, next + count);
    next += count;
    const startedAt = performance.now();
    for (const proof of slice) await work(proof);
    return ((performance.now() - startedAt) / count) * 1000;
  };
}

/** Who lets a proof pass twice, or a request without one, does not look at it. */
async function assertSpends(judge: (dpop: string) => Promise<unknown>, proof: string): Promise<void> {
  await judge(proof);
  for (const refused of [proof, '']) {
    const passed = await judge(refused).then(
      () => true,
      () => false,
    );
    if (passed) throw new Error('the guard let a proof pass that it had to refuse');
  }
}
