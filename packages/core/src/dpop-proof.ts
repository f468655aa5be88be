import { compactVerify } from 'jose';
import { sha256 } from './cache-key.js';
import type { DpopNonces } from './dpop-nonce.js';
import { BearerError, type DpopFault, IntrospectionError } from './errors.js';
import { compactJws, parseSegment } from './jwt.js';
import { callable, count, flag, refuseUnknown, seconds } from './option-checks.js';
import { createFindProofKey } from './proof-key.js';
import { memoryReplayStore, type ReplayStore } from './replay-store.js';
import { createIsTarget, readOrigins } from './target-uri.js';
import { readAlgorithms } from './verification-keys.js';

/** Judges the proofs that come with DPoP-bound tokens. Made by `dpopVerifier`. */
export interface DpopVerifier {
  /** What proofs may be signed with; named in challenges (RFC 9449 §7.1). */
  readonly algorithms: readonly string[];
  /** Whether tokens that are bound to no key are refused. Default false. */
  readonly required?: boolean;
  /**
   * Passes at most once for a proof.
   * @param now NumericDate.
   * @throws {BearerError} ERR_DPOP_MISSING, ERR_DPOP_PROOF, ERR_DPOP_KEY, ERR_DPOP_NONCE or ERR_DPOP_REPLAYED.
   * @throws {IntrospectionError} ERR_REPLAY_STORE or ERR_DPOP_SECRET, when it cannot be told.
   */
  verify(request: DpopRequest, now: number): Promise<DpopOutcome>;
}

/** A request with a token that is bound to a key. */
export interface DpopRequest {
  readonly method: string;
  /** Absolute, or path and query. Only its path counts. */
  readonly url: string;
  /** Every DPoP field of the request. */
  readonly dpop: string | readonly string[] | undefined;
  /** The token as it was presented. */
  readonly token: string;
  /** The thumbprint of the key that the token is bound to: its `cnf.jkt` (RFC 9449 §6). */
  readonly jkt: string;
}

export interface DpopOutcome {
  /** For a `DPoP-Nonce` of the response, where the client used a nonce that is about to end (RFC 9449 §8.2). */
  readonly nonce: string | undefined;
}

export interface DpopVerifierOptions {
  /**
   * Where clients believe that they send their requests, such as `https://api.example.com`; several where there are
   * several. Proofs must name it, whatever the Host of the request says.
   */
  readonly origin: string | URL | readonly (string | URL)[];
  /** What proofs may be signed with. Default: `ES256` to `ES512`, `PS256` to `PS512`, `EdDSA` and `Ed25519`. */
  readonly algorithms?: readonly string[];
  /** Whether a token that is bound to no DPoP key is refused, and Bearer not offered. Default false. */
  readonly required?: boolean;
  /** How old a proof may be. Seconds, default 60. */
  readonly maxAgeSeconds?: number;
  /** How far the clocks of clients may be off, either way. Seconds, default 5. */
  readonly clockSkewSeconds?: number;
  /** Where used proofs are remembered. Default `memoryReplayStore()`; instances of one service need a shared one. */
  readonly replayStore?: ReplayStore;
  /** Demands a nonce of ours in every proof (RFC 9449 §9); `dpopNonces(…)` makes them. Default: none. */
  readonly nonce?: DpopNonces | undefined;
  /** Longest proof that is looked at. Bytes, default 8192. */
  readonly maxProofLength?: number;
}

const known: Record<keyof DpopVerifierOptions, true> = {
  origin: true,
  algorithms: true,
  required: true,
  maxAgeSeconds: true,
  clockSkewSeconds: true,
  replayStore: true,
  nonce: true,
  maxProofLength: true,
};

const defaultAlgorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA', 'Ed25519'];

/**
 * All checks of RFC 9449 §4.3, and that no proof is used twice (§11.1). What costs little comes first, so that the
 * signature is verified of no proof that fails anyway; a proof that fails is not used up.
 * @throws {TypeError} naming the option that is unknown, missing or wrong.
 */
export function dpopVerifier(options: DpopVerifierOptions): DpopVerifier {
  refuseUnknown('dpopVerifier', options, known);
  const { replayStore = memoryReplayStore(), nonce: nonces } = options;
  const isTarget = createIsTarget(readOrigins(options.origin));
  const algorithms = readAlgorithms(options.algorithms ?? defaultAlgorithms);
  const required = flag('required', options.required, false);
  const maxAge = seconds('maxAgeSeconds', options.maxAgeSeconds, 60, { positive: true });
  const skew = seconds('clockSkewSeconds', options.clockSkewSeconds, 5);
  const maxLength = count('maxProofLength', options.maxProofLength, 8192, 1);
  callable('replayStore.add', replayStore?.add);
  if (nonces !== undefined) callable('nonce.windowAt', nonces?.windowAt);
  const findKey = createFindProofKey();

  return Object.freeze({
    algorithms,
    required,
    async verify({ method, url, dpop, token, jkt }: DpopRequest, now: number) {
      const proof = readField(dpop);
      const { header, claims } = parseProof(proof, maxLength);
      const { typ, alg, jwk } = header;
      const { jti, htm, htu, iat, ath, nonce } = claims;
      if (typ !== 'dpop+jwt') throw faulty('typ');
      if ('crit' in header) throw faulty('crit');
      if (!isText(alg) || !algorithms.includes(alg)) throw faulty('alg');
      if (!isText(jti)) throw faulty('jti');
      if (htm !== method) throw faulty('htm');
      if (!isText(htu) || !isTarget(htu, url)) throw faulty('htu');
      if (typeof iat !== 'number' || iat > now + skew) throw faulty('iat');
      const expiresAt = iat + maxAge + skew;
      if (expiresAt <= now) throw faulty('iat');
      if (ath !== (await sha256(token))) throw faulty('ath');
      const key = await findKey(jwk, alg, jkt);
      const next = await judgeNonce(nonce, nonces, now);
      await compactVerify(proof, key, { algorithms: [alg] }).catch(() => {
        throw faulty('signature');
      });
      await spend(replayStore, await sha256(`${jkt} ${jti}`), expiresAt, now);
      return { nonce: next };
    },
  });
}

const faulty = (fault: DpopFault) => new BearerError('ERR_DPOP_PROOF', { fault });

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

function readField(dpop: DpopRequest['dpop']): string {
  const [field, ...others] = typeof dpop === 'string' ? [dpop] : (dpop ?? []);
  if (field === undefined) throw new BearerError('ERR_DPOP_MISSING');
  if (others.length > 0) throw faulty('jwt');
  return field;
}

function parseProof(proof: string, maxLength: number) {
  // a comma, by which fields are joined, is no part of a JWT
  if (proof.length > maxLength || !compactJws.test(proof)) throw faulty('jwt');
  const [header = '', claims = ''] = proof.split('.');
  try {
    return { header: parseSegment(header), claims: parseSegment(claims) };
  } catch {
    throw faulty('jwt');
  }
}

/** Returns the nonce that the client should use from now on, where that is another. */
async function judgeNonce(
  nonce: unknown,
  nonces: DpopNonces | undefined,
  now: number,
): Promise<string | undefined> {
  if (nonces === undefined) return undefined;
  const { current, previous } = await nonces.windowAt(now);
  if (nonce === current) return undefined;
  if (nonce === previous) return current;
  throw new BearerError('ERR_DPOP_NONCE', { dpopNonce: current });
}

async function spend(store: ReplayStore, key: string, expiresAt: number, now: number): Promise<void> {
  let isNew: boolean;
  try {
    isNew = await store.add(key, expiresAt, now);
  } catch (error) {
    if (error instanceof IntrospectionError) throw error;
    throw new IntrospectionError('ERR_REPLAY_STORE', 'the store of used DPoP proofs failed', {
      status: 503,
      retryAfterSeconds: 1,
    });
  }
  // whatever else a store may say, it is not that the proof is new
  if (isNew !== true) throw new BearerError('ERR_DPOP_REPLAYED');
}
