import { createHash, randomBytes } from 'node:crypto';
import { type AdapterOptions, dpopVerifier, jwtVerifier, type PhantomTokenClient } from '@phantom-token/core';
import { audience, issueJwt, issuer, token } from './authorization-server.js';
import {
  assertHot,
  bearerRequest,
  createHotClient,
  createHotGuard,
  createHotMintingClient,
  makeKey,
} from './guards.js';
import { microsecondsEach, microsecondsEachAtOnce } from './pace.js';
import { measurePairs, type PairedResult } from './paired.js';
import { measureProofs, type Verification } from './proofs.js';
import { type Measurement, printTable } from './table.js';

const quick = process.argv.includes('--quick');
// very short slices by turns, so that the compiler meets both sides before it settles on one
const [pairs, warmUps] = quick ? [400, 80] : [4000, 400];
const sliceSeconds = 0.001;
// what is waited for takes longer, and fewer slices do
const proofSlices = { pairs: pairs / 4, warmUps: warmUps / 4, proofsInSlice: 10 };

type Work = () => unknown;
type Make = () => Promise<Work>;

/** Which of two is made first decides how it is compiled and where it lies, so both sides are several, made by turns. */
async function makeCrowds(one: Make, other: Make): Promise<[Work[], Work[]]> {
  const crowds: [Work[], Work[]] = [[], []];
  for (let index = 0; index < 6; index++) {
    const sides = [
      () => one().then((it) => crowds[0].push(it)),
      () => other().then((it) => crowds[1].push(it)),
    ];
    for (const side of index % 2 === 0 ? sides : sides.toReversed()) await side();
  }
  return crowds;
}

/** Microseconds of one of a crowd after the other, with every call. */
function takeTurns(crowd: readonly Work[]): () => Promise<number> {
  let turn = 0;
  return async () => microsecondsEachAtOnce(sliceSeconds, crowd[turn++ % crowd.length] as Work);
}

async function compare(subject: Make, baseline: Make): Promise<PairedResult> {
  const [subjects, baselines] = await makeCrowds(subject, baseline);
  return measurePairs(pairs, takeTurns(subjects), takeTurns(baselines), warmUps);
}

const key = await makeKey();
const verifier = jwtVerifier({ issuer, audience, jwks: { keys: [key.jwk] } });

async function exchange(client: PhantomTokenClient): Promise<Work> {
  assertHot(client.exchangeOrWait(token));
  return () => client.exchangeOrWait(token);
}

async function hit(options: AdapterOptions, request = bearerRequest): Promise<Work> {
  const guard = await createHotGuard(options, request);
  assertHot(guard(request));
  return () => guard(request);
}

const plain = () => createHotClient(key);
const verifying = () => createHotClient(key, { verifyJwt: verifier });
const plainHit = async () => hit({ client: await plain() });

async function acceptedJwt(): Promise<Work> {
  const request = { ...bearerRequest, authorization: `Bearer ${await issueJwt(key.privateKey)}` };
  return hit({ client: await plain(), acceptJwts: verifier }, request);
}

async function compareCertificate(): Promise<PairedResult> {
  // of a certificate only the digest counts, and for that the size
  const clientCertificate = randomBytes(1000);
  const thumbprint = createHash('sha256').update(clientCertificate).digest('base64url');
  const client = await createHotClient(key, {}, { cnf: { 'x5t#S256': thumbprint } });
  const request = { ...bearerRequest, clientCertificate };
  const judging = await createHotGuard({ client }, request);
  const guard = await createHotGuard({ client: await plain() });
  return measurePairs(
    proofSlices.pairs,
    () => microsecondsEach(sliceSeconds, async () => judging(request)),
    () => microsecondsEach(sliceSeconds, async () => guard(bearerRequest)),
    proofSlices.warmUps,
  );
}

const proofs = (verification: Verification) => () => measureProofs(key, verification, proofSlices);

const measurements: readonly Measurement[] = [
  { name: 'hot token / the same, so that noise shows', run: () => compare(plainHit, plainHit) },
  {
    name: 'hot token with verifyJwt / without, exchange',
    atMost: 1.1,
    run: () =>
      compare(
        async () => exchange(await verifying()),
        async () => exchange(await plain()),
      ),
  },
  {
    name: 'hot token with verifyJwt / without, authorize',
    atMost: 1.1,
    run: () => compare(async () => hit({ client: await verifying() }), plainHit),
  },
  {
    name: 'hot token that is not bound where DPoP is offered / where it is not',
    atMost: 1.1,
    run: () =>
      compare(async () => hit({ client: await plain(), dpop: dpopVerifier({ origin: audience }) }), plainHit),
  },
  {
    name: 'DPoP-bound hot token with a new proof / verifying that proof',
    atMost: 1.3,
    run: proofs('imports the key'),
  },
  {
    name: 'DPoP-bound hot token with a new proof / verifying that proof, its key at hand',
    run: proofs('has the key'),
  },
  { name: 'certificate-bound hot token / hot token', run: compareCertificate },
  { name: 'JWT that was accepted before / hot token', run: () => compare(acceptedJwt, plainHit) },
  {
    name: 'hot token with a minted JWT / hot token',
    run: () => compare(async () => hit({ client: await createHotMintingClient(key) }), plainHit),
  },
].map((it) => ({ ...it, unit: 'µs' }));

const missed = await printTable(
  `${pairs} alternating pairs of ${sliceSeconds * 1000} ms slices, ${proofSlices.pairs} of ${proofSlices.proofsInSlice} proofs`,
  measurements,
);
process.exitCode = missed === 0 ? 0 : 1;
