import { base64url, importJWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDpopClient, type DpopClient } from '../test/dpop-client.js';
import { sha256 } from './cache-key.js';
import { dpopNonces } from './dpop-nonce.js';
import { type DpopVerifierOptions, dpopVerifier } from './dpop-proof.js';
import { IntrospectionError } from './errors.js';
import { memoryReplayStore, type ReplayStore } from './replay-store.js';

const now = 1_800_000_000;
const origin = 'https://api.example.com';
const token = 'an-opaque.token~of/a+client==';

let client: DpopClient;
let other: DpopClient;
let good: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  [client, other] = await Promise.all([createDpopClient(), createDpopClient()]);
  good = {
    jti: 'jti-1',
    htm: 'GET',
    htu: `${origin}/orders`,
    iat: now,
    ath: await sha256(token),
  };
});

function setUp(options: Partial<DpopVerifierOptions> = {}) {
  const verifier = dpopVerifier({ origin, ...options });
  const request = { method: 'GET', url: '/orders', token, jkt: client.jkt };
  const judge = (dpop: string | readonly string[] | undefined, different: object = {}, at = now) =>
    verifier.verify({ ...request, dpop, ...different }, at);
  return { verifier, judge };
}

/** `{"typ":"…"}` with a byte that UTF-8 has not. */
const noUtf8 = base64url.encode(
  new Uint8Array([...'{"typ":"', '\xff', ...'"}'].map((it) => it.charCodeAt(0))),
);

const refusal = (code: string) => expect.objectContaining({ name: 'BearerError', code, status: 401 });
const faulty = (fault: string) =>
  expect.objectContaining({
    code: 'ERR_DPOP_PROOF',
    error: 'invalid_dpop_proof',
    message: `the DPoP proof is invalid: ${fault}`,
  });

describe('the examples of RFC 9449', () => {
  const head =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19';
  /** Figure 2: for a token request, so without `ath`. */
  const tokenRequest = `${head}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`;
  /** Figure 13: for a protected resource. */
  const resourceRequest = `${head}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`;
  /** Figures 9, 12 and 13. */
  const example = {
    method: 'GET',
    url: '/protectedresource',
    dpop: resourceRequest,
    token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
  };
  const issuedAt = 1_562_262_618;
  const at = (origin: string) => dpopVerifier({ origin });

  it('verify as they are: the request for a protected resource of §7.1, with the key of §6.1', async () => {
    const verifier = at('https://resource.example.org');
    expect(await verifier.verify(example, issuedAt)).toEqual({ nonce: undefined });
  });

  it.each([
    ['another origin', 'https://resource.example.com', {}],
    ['another path', 'https://resource.example.org', { url: '/other' }],
    ['another method', 'https://resource.example.org', { method: 'POST' }],
    [
      'another token',
      'https://resource.example.org',
      { token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxu' },
    ],
    ['another key', 'https://resource.example.org', { jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' }],
  ])('do not verify for %s', async (_what, origin, different) => {
    await expect(at(origin).verify({ ...example, ...different }, issuedAt)).rejects.toThrow(
      expect.objectContaining({ name: 'BearerError' }),
    );
  });

  it('do not verify for a protected resource where they were made for a token request (§4.1)', async () => {
    const verifier = at('https://server.example.com');
    const request = { ...example, method: 'POST', url: '/token', dpop: tokenRequest };
    await expect(verifier.verify(request, 1_562_262_616)).rejects.toThrow(faulty('ath'));
  });
});

describe('a proof', () => {
  it('passes that was made for the request, the token and now', async () => {
    const { judge } = setUp();
    expect(await judge(await client.sign(good))).toEqual({ nonce: undefined });
    expect(await judge([await client.sign({ ...good, jti: 'jti-2' })])).toEqual({ nonce: undefined });
  });

  it.each(['ES256', 'ES384', 'PS256', 'EdDSA', 'Ed25519'])(
    'passes that is signed with %s',
    async (algorithm) => {
      const own = await createDpopClient(algorithm);
      const { judge } = setUp();
      const { jkt } = own;
      expect(await judge(await own.sign(good), { jkt })).toEqual({ nonce: undefined });
      const again = await own.sign({ ...good, jti: 'jti-2' });
      expect(await judge(again, { jkt })).toEqual({ nonce: undefined });
      const broken = await own.sign({ ...good, jti: 'jti-3' });
      await expect(judge(`${broken.slice(0, -6)}AAAAAA`, { jkt })).rejects.toThrow(faulty('signature'));
    },
  );

  it('passes with another algorithm than the one before it, of the same key', async () => {
    const rsa = await createDpopClient('PS256');
    const { jkt, jwk, privateJwk } = rsa;
    const { judge } = setUp();
    await judge(await rsa.sign(good), { jkt });
    const other = await new SignJWT({ ...good, jti: 'jti-2' })
      .setProtectedHeader({ alg: 'PS384', typ: 'dpop+jwt', jwk })
      .sign(await importJWK(privateJwk, 'PS384'));
    expect(await judge(other, { jkt })).toEqual({ nonce: undefined });
  });

  it('passes with members that say more than is asked', async () => {
    const { judge } = setUp();
    const proof = await client.sign(
      { ...good, nonce: 'of the authorization server', exp: 1 },
      { kid: 'k', jwk: { ...client.jwk, kid: 'k', use: 'sig', alg: 'ES256' } },
    );
    expect(await judge(proof)).toEqual({ nonce: undefined });
  });

  it('is missing where there is no field', async () => {
    const { judge } = setUp();
    for (const none of [undefined, []])
      await expect(judge(none)).rejects.toThrow(refusal('ERR_DPOP_MISSING'));
  });

  it('is no single one where there are two, the same or joined', async () => {
    const { judge } = setUp();
    const [one, two] = [await client.sign(good), await client.sign({ ...good, jti: 'jti-2' })];
    for (const several of [[one, two], [one, one], `${one}, ${two}`, `${one},${one}`, `${one},`])
      await expect(judge(several)).rejects.toThrow(faulty('jwt'));
    expect(await judge(one)).toEqual({ nonce: undefined });
  });

  it.each<[string, (proof: string) => string | readonly string[]]>([
    ['an empty field', () => ''],
    ['two segments', (it) => it.split('.').slice(0, 2).join('.')],
    ['four segments', (it) => `${it}.AAAA`],
    ['an empty signature', (it) => it.replace(/[^.]+$/, '')],
    ['a character that is not of base64url', (it) => it.replace('.', '+.')],
    ['padding', (it) => `${it}=`],
    ['white space', (it) => ` ${it}`],
    ['a scheme', (it) => `DPoP ${it}`],
    ['no JSON for claims', (it) => it.replace(/\.[^.]+\./, '.AAAA.')],
    ['a list for claims', (it) => it.replace(/\.[^.]+\./, `.${base64url.encode('[]')}.`)],
    ['bytes that are no UTF-8', (it) => it.replace(/^[^.]+/, noUtf8)],
  ])('is no JWT with %s', async (_what, spoil) => {
    const { judge } = setUp();
    await expect(judge(spoil(await client.sign(good)))).rejects.toThrow(faulty('jwt'));
  });

  it.each([
    ['claims', (text: string) => [text.replace('{', '{"jti":"other",'), undefined]],
    [
      'header',
      (text: string) => [
        text,
        `{"typ":"JWT","typ":"dpop+jwt","alg":"ES256","jwk":${JSON.stringify(client.jwk)}}`,
      ],
    ],
  ] as const)('is no JWT with two members of one name in its %s', async (_where, spoil) => {
    const { judge } = setUp();
    const [claims, header] = spoil(JSON.stringify(good));
    await expect(judge(await client.sign(claims ?? '', header))).rejects.toThrow(faulty('jwt'));
  });

  it('is not read when it is too long', async () => {
    const proof = await client.sign(good);
    const { judge } = setUp({ maxProofLength: proof.length });
    await expect(judge(await client.sign({ ...good, jti: 'jti-10' }))).rejects.toThrow(faulty('jwt'));
    expect(await judge(proof)).toEqual({ nonce: undefined });
    const long = await client.sign({ ...good, jti: 'x'.repeat(6000) });
    expect(long.length).toBeGreaterThan(8192);
    await expect(setUp().judge(long)).rejects.toThrow(faulty('jwt'));
  });

  it.each([undefined, 'JWT', 'dpop', 'at+jwt', 'application/dpop+jwt', 'DPOP+JWT', ['dpop+jwt'], null])(
    'is none with the typ %j',
    async (typ) => {
      const { judge } = setUp();
      await expect(judge(await client.sign(good, { typ }))).rejects.toThrow(faulty('typ'));
    },
  );

  it.each([undefined, 'none', 'None', 'HS256', 'RS256', 'ES384x', '', ['ES256'], null])(
    'is none with the alg %j',
    async (alg) => {
      const { judge } = setUp();
      await expect(judge(await client.sign(good, { alg }))).rejects.toThrow(faulty('alg'));
    },
  );

  it('is none with an extension that must be understood', async () => {
    const { judge } = setUp();
    for (const header of [
      { crit: ['exp'], exp: 1 },
      { crit: ['b64'], b64: true },
    ])
      await expect(judge(await client.sign(good, header))).rejects.toThrow(faulty('crit'));
  });

  it('is none by an algorithm that is not accepted, though it is a good one', async () => {
    const rsa = await createDpopClient('RS256');
    const proof = await rsa.sign(good);
    await expect(setUp().judge(proof, { jkt: rsa.jkt })).rejects.toThrow(faulty('alg'));
    const { judge } = setUp({ algorithms: ['RS256'] });
    expect(await judge(proof, { jkt: rsa.jkt })).toEqual({ nonce: undefined });
    await expect(judge(await client.sign(good))).rejects.toThrow(faulty('alg'));
  });

  it('is none that a shared secret has signed, even the public key', async () => {
    const { judge } = setUp();
    const secret = new TextEncoder().encode(JSON.stringify(client.jwk));
    for (const alg of ['HS256', 'HS512']) {
      const proof = await new SignJWT(good)
        .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: client.jwk })
        .sign(secret);
      await expect(judge(proof)).rejects.toThrow(faulty('alg'));
    }
  });

  it.each<[string, () => unknown]>([
    ['no key', () => undefined],
    ['null for a key', () => null],
    ['a list for a key', () => [client.jwk]],
    ['a text for a key', () => JSON.stringify(client.jwk)],
    ['a private key', () => client.privateJwk],
    ['a private member that is empty', () => ({ ...client.jwk, d: null })],
    ['a symmetric key', () => ({ kty: 'oct', k: 'AAAA' })],
    ['a symmetric member', () => ({ ...client.jwk, k: 'AAAA' })],
    ['a key of an unknown type', () => ({ ...client.jwk, kty: 'toString' })],
    ['a key without a type', () => ({ ...client.jwk, kty: undefined })],
    ['a key without a member', () => ({ ...client.jwk, y: undefined })],
    ['a key with an empty member', () => ({ ...client.jwk, y: '' })],
    ['a key with a member that is no text', () => ({ ...client.jwk, y: 7 })],
  ])('is none with %s', async (_what, jwk) => {
    const { judge } = setUp();
    await expect(judge(await client.sign(good, { jwk: jwk() }))).rejects.toThrow(faulty('jwk'));
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'is none whose key has the private member %s',
    async (name) => {
      const { judge } = setUp();
      const jwk = { ...client.jwk, [name]: 'AAAA' };
      await expect(judge(await client.sign(good, { jwk }))).rejects.toThrow(faulty('jwk'));
    },
  );

  it.each<[string, () => object, string]>([
    ['lies on no curve', () => ({ ...client.jwk, x: client.jwk.y }), 'ES256'],
    ['is of another algorithm', () => other.jwk, 'PS256'],
    ['is of another curve than its algorithm', () => client.jwk, 'ES384'],
  ])('is none whose key %s, though the token is bound to it', async (_what, jwkOf, alg) => {
    const { judge } = setUp();
    const jwk = jwkOf() as { crv: string; kty: string; x: string; y: string };
    const { crv, kty, x, y } = jwk;
    const jkt = await sha256(JSON.stringify({ crv, kty, x, y }));
    await expect(judge(await client.sign(good, { jwk, alg }), { jkt })).rejects.toThrow(
      refusal('ERR_DPOP_PROOF'),
    );
  });

  it('is none that another key has signed, also once the right one is known', async () => {
    const { judge } = setUp();
    const forge = (jti: string) => other.sign({ ...good, jti }, { jwk: client.jwk });
    await expect(judge(await forge('a'))).rejects.toThrow(faulty('signature'));
    await judge(await client.sign(good));
    await expect(judge(await forge('b'))).rejects.toThrow(faulty('signature'));
  });

  it('is none whose claims were changed after it was signed', async () => {
    const { judge } = setUp();
    const [head, , signature] = (await client.sign({ ...good, htu: `${origin}/other` })).split('.');
    const claims = base64url.encode(JSON.stringify(good));
    await expect(judge(`${head}.${claims}.${signature}`)).rejects.toThrow(faulty('signature'));
  });

  it('is of no use with a token that is bound to another key, first and later', async () => {
    const { judge } = setUp();
    await expect(judge(await other.sign(good))).rejects.toThrow(refusal('ERR_DPOP_KEY'));
    await judge(await other.sign(good), { jkt: other.jkt });
    await expect(judge(await other.sign({ ...good, jti: 'jti-2' }))).rejects.toThrow(refusal('ERR_DPOP_KEY'));
    await judge(await client.sign(good));
    await expect(judge(await other.sign({ ...good, jti: 'jti-3' }))).rejects.toThrow(refusal('ERR_DPOP_KEY'));
    for (const jkt of ['', client.jkt.toLowerCase(), `${client.jkt}=`, undefined])
      await expect(judge(await client.sign(good), { jkt })).rejects.toThrow(refusal('ERR_DPOP_KEY'));
  });

  it.each<[string, Record<string, unknown>]>([
    ['jti', { jti: undefined }],
    ['jti', { jti: '' }],
    ['jti', { jti: 7 }],
    ['jti', { jti: ['jti-1'] }],
    ['htm', { htm: undefined }],
    ['htm', { htm: 'get' }],
    ['htm', { htm: 'POST' }],
    ['htm', { htm: 'GET ' }],
    ['htm', { htm: ['GET'] }],
    ['htu', { htu: undefined }],
    ['htu', { htu: 7 }],
    ['htu', { htu: '/orders' }],
    ['htu', { htu: 'https://api.example.com/Orders' }],
    ['htu', { htu: 'https://api.example.com:8443/orders' }],
    ['htu', { htu: 'http://api.example.com/orders' }],
    ['htu', { htu: 'https://other.example.com/orders' }],
    ['iat', { iat: undefined }],
    ['iat', { iat: String(now) }],
    ['iat', { iat: null }],
    ['iat', { iat: now * 1000 }],
    ['iat', { iat: 0 }],
    ['ath', { ath: undefined }],
    ['ath', { ath: '' }],
    ['ath', { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' }],
    ['ath', { ath: [7] }],
  ])('is none with a wrong %s: %j', async (fault, wrong) => {
    const { judge } = setUp();
    await expect(judge(await client.sign({ ...good, ...wrong }))).rejects.toThrow(faulty(fault));
  });

  it('is none whose ath is padded, in other letters, or of the token in another form', async () => {
    const { judge } = setUp();
    const ath = String(good.ath);
    for (const wrong of [`${ath}=`, ath.toLowerCase(), await sha256(`DPoP ${token}`), token])
      await expect(judge(await client.sign({ ...good, ath: wrong }))).rejects.toThrow(faulty('ath'));
  });

  it.each(['1e999', '-1e999'])('is none with the iat %s', async (iat) => {
    const { judge } = setUp();
    const text = JSON.stringify({ ...good, iat: 0 }).replace('"iat":0', `"iat":${iat}`);
    await expect(judge(await client.sign(text))).rejects.toThrow(faulty('iat'));
  });

  it('names its target in any spelling of it, query and fragment aside', async () => {
    const { judge } = setUp();
    const proof = await client.sign({ ...good, htu: 'HTTPS://API.example.com:443/%6frders?x#y' });
    expect(await judge(proof, { url: 'http://127.0.0.1:3000/orders?page=2' })).toEqual({ nonce: undefined });
  });
});

describe('the age of a proof', () => {
  it.each([
    [-5, true],
    [-5.5, false],
    [0, true],
    [0.25, true],
    [60, true],
    [64.9, true],
    [65, false],
    [3600, false],
  ])('of %d s, with 60 s and a skew of 5 s: passes is %s', async (age, passes) => {
    const { judge } = setUp();
    const verdict = judge(await client.sign({ ...good, iat: now - age }));
    if (passes) expect(await verdict).toEqual({ nonce: undefined });
    else await expect(verdict).rejects.toThrow(faulty('iat'));
  });

  it.each([
    [-1, true],
    [-2, false],
    [10, true],
    [11, false],
  ])('of %d s, with 10 s and a skew of 1 s: passes is %s', async (age, passes) => {
    const { judge } = setUp({ maxAgeSeconds: 10, clockSkewSeconds: 1 });
    const verdict = judge(await client.sign({ ...good, iat: now - age }));
    if (passes) expect(await verdict).toEqual({ nonce: undefined });
    else await expect(verdict).rejects.toThrow(faulty('iat'));
  });
});

describe('a proof that was used', () => {
  it('is of no more use, as long as its age would let it pass', async () => {
    const { judge } = setUp();
    const proof = await client.sign(good);
    await judge(proof);
    for (const at of [now, now + 1, now + 64.9])
      await expect(judge(proof, {}, at)).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_DPOP_REPLAYED', error: 'invalid_dpop_proof', status: 401 }),
      );
    await expect(judge(proof, {}, now + 65)).rejects.toThrow(faulty('iat'));
  });

  it('is used once of several at once', async () => {
    const { judge } = setUp();
    const proof = await client.sign(good);
    const verdicts = await Promise.allSettled(Array.from({ length: 10 }, () => judge(proof)));
    expect(verdicts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('takes its jti with it, for that key alone', async () => {
    const { judge } = setUp();
    await judge(await client.sign(good));
    const another = await client.sign({ ...good, htm: 'POST', iat: now - 30 });
    await expect(judge(another, { method: 'POST' })).rejects.toThrow(refusal('ERR_DPOP_REPLAYED'));
    expect(await judge(await other.sign(good), { jkt: other.jkt })).toEqual({ nonce: undefined });
    expect(await judge(await client.sign({ ...good, jti: 'JTI-1' }))).toEqual({ nonce: undefined });
  });

  it('is not used up by a request that fails for another reason', async () => {
    const { judge } = setUp();
    const proof = await client.sign(good);
    const failing = [{ method: 'POST' }, { url: '/other' }, { token: 'other' }, { jkt: other.jkt }];
    for (const different of failing) await expect(judge(proof, different)).rejects.toThrow();
    await expect(judge(proof, {}, now + 100)).rejects.toThrow(faulty('iat'));
    const forged = await other.sign(good, { jwk: client.jwk });
    await expect(judge(forged)).rejects.toThrow(faulty('signature'));
    expect(await judge(proof)).toEqual({ nonce: undefined });
  });

  it('is known by a digest of one length, with a deadline past which its age lets it pass no more', async () => {
    const calls: unknown[][] = [];
    const replayStore: ReplayStore = {
      add(...call) {
        calls.push(call);
        return true;
      },
    };
    const { judge } = setUp({ replayStore });
    await judge(await client.sign({ ...good, iat: now - 10 }));
    await judge(await client.sign({ ...good, jti: 'x'.repeat(4000) }));
    await judge(await other.sign(good), { jkt: other.jkt });
    expect(calls).toEqual([
      [expect.stringMatching(/^[\w-]{43}$/), now + 55, now],
      [expect.stringMatching(/^[\w-]{43}$/), now + 65, now],
      [expect.stringMatching(/^[\w-]{43}$/), now + 65, now],
    ]);
    expect(new Set(calls.map(([key]) => key)).size).toBe(3);
  });

  it('is known on every instance that shares the store, and on no other', async () => {
    const replayStore = memoryReplayStore();
    const proof = await client.sign(good);
    await setUp({ replayStore }).judge(proof);
    await expect(setUp({ replayStore }).judge(proof)).rejects.toThrow(refusal('ERR_DPOP_REPLAYED'));
    expect(await setUp().judge(proof)).toEqual({ nonce: undefined });
  });

  const unavailable = expect.objectContaining({
    name: 'IntrospectionError',
    code: 'ERR_REPLAY_STORE',
    status: 503,
    retryAfterSeconds: 1,
  });

  it.each<[string, ReplayStore['add']]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('secret'))],
  ])('cannot be told where the store %s, so the request is refused for now', async (_how, add) => {
    const failure = await setUp({ replayStore: { add } })
      .judge(await client.sign(good))
      .catch((error) => error);
    expect(failure).toEqual(unavailable);
    expect(String(failure.stack) + String(failure.cause)).not.toContain('secret');
  });

  it('is told of by the store in its own words, where these are ours', async () => {
    const own = new IntrospectionError('ERR_REPLAY_STORE', 'full', { status: 503, retryAfterSeconds: 7 });
    const { judge } = setUp({ replayStore: { add: async () => Promise.reject(own) } });
    await expect(judge(await client.sign(good))).rejects.toBe(own);
  });

  it.each([undefined, null, 'OK', 1])('is taken for one where the store answers %j', async (answer) => {
    const { judge } = setUp({ replayStore: { add: () => answer as unknown as boolean } });
    await expect(judge(await client.sign(good))).rejects.toThrow(refusal('ERR_DPOP_REPLAYED'));
  });
});

describe('a nonce', () => {
  const nonce = dpopNonces({ secret: 'a secret of no less than 32 characters', lifetimeSeconds: 100 });
  const needed = (dpopNonce: string) =>
    expect.objectContaining({ code: 'ERR_DPOP_NONCE', error: 'use_dpop_nonce', status: 401, dpopNonce });

  it.each([undefined, '', 'made up', 7, null])('is given to a client whose proof has %j', async (wrong) => {
    const { current } = await nonce.windowAt(now);
    const { judge } = setUp({ nonce });
    await expect(judge(await client.sign({ ...good, nonce: wrong }))).rejects.toThrow(needed(current));
  });

  it('is taken from the client that uses it, and no other is given', async () => {
    const { current } = await nonce.windowAt(now);
    const { judge } = setUp({ nonce });
    expect(await judge(await client.sign({ ...good, nonce: current }))).toEqual({ nonce: undefined });
    const again = await client.sign({ ...good, nonce: current, jti: 'jti-2' });
    expect(await judge(again)).toEqual({ nonce: undefined });
  });

  it('that is about to end still passes, and is followed by a new one', async () => {
    const { current, previous } = await nonce.windowAt(now);
    const { judge } = setUp({ nonce });
    const proof = await client.sign({ ...good, nonce: previous });
    expect(await judge(proof)).toEqual({ nonce: current });
  });

  it('that has ended passes no more', async () => {
    const { previous } = await nonce.windowAt(now);
    const { judge } = setUp({ nonce });
    const later = await client.sign({ ...good, nonce: previous, iat: now + 100 });
    const { current } = await nonce.windowAt(now + 100);
    await expect(judge(later, {}, now + 100)).rejects.toThrow(needed(current));
  });

  it('is not given in exchange for a proof that fails anyway', async () => {
    const { judge } = setUp({ nonce });
    await expect(judge(await client.sign({ ...good, htm: 'POST' }))).rejects.toThrow(faulty('htm'));
    await expect(judge(await other.sign(good))).rejects.toThrow(refusal('ERR_DPOP_KEY'));
  });

  it('that is missing does not use the proof up', async () => {
    const proof = await client.sign(good);
    const replayStore = memoryReplayStore();
    await expect(setUp({ nonce, replayStore }).judge(proof)).rejects.toThrow(refusal('ERR_DPOP_NONCE'));
    expect(await setUp({ replayStore }).judge(proof)).toEqual({ nonce: undefined });
  });
});

describe('the options', () => {
  it('have defaults for everything but the origin', () =>
    expect(dpopVerifier({ origin }).algorithms).toEqual([
      ...['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
      ...['EdDSA', 'Ed25519'],
    ]));

  it.each<[string, object]>([
    ['origin', { origin: undefined }],
    ['origin', { origin: 'https://api.example.com/v1' }],
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['ES256', 'none'] }],
    ['maxAgeSeconds', { maxAgeSeconds: 0 }],
    ['clockSkewSeconds', { clockSkewSeconds: -1 }],
    ['replayStore', { replayStore: {} }],
    ['replayStore', { replayStore: null }],
    ['nonce', { nonce: 'n' }],
    ['required', { required: 'yes' }],
    ['maxProofLength', { maxProofLength: 0 }],
    ['origins', { origins: [origin] }],
  ])('refuse a wrong %s: %o', (name, wrong) => {
    const make = () => dpopVerifier({ origin, ...wrong });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
