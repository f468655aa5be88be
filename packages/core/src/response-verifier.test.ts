import {
  CompactEncrypt,
  CompactSign,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
} from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { rfc9701Example } from '../test/rfc9701-example.js';
import { type ResponseVerifierOptions, responseVerifier } from './response-verifier.js';

const now = 1_800_000_000;
const issuer = 'https://as.test';
const clientId = 'gateway';
const members = { active: true, sub: 'jane', scope: 'read', client_id: 'app' };

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKey(kid?: string, algorithm = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid && { kid }) } };
}

let first: Key;
let second: Key;
let recipient: Key;
beforeAll(async () => {
  [first, second, recipient] = await Promise.all([
    makeKey('first'),
    makeKey('second'),
    makeKey(undefined, 'ECDH-ES'),
  ]);
});

const utf8 = (text: string) => new TextEncoder().encode(text);
const claims = { iss: issuer, aud: clientId, iat: now, token_introspection: members };

const signBytes = (payload: Uint8Array, header: object = {}, key = first) =>
  new CompactSign(payload)
    .setProtectedHeader({
      alg: 'ES256',
      typ: 'token-introspection+jwt',
      ...(key.jwk.kid && { kid: key.jwk.kid }),
      ...header,
    })
    .sign(key.privateKey);
const signText = (payload: string, header: object = {}, key = first) => signBytes(utf8(payload), header, key);
const sign = (changed: object = {}, header: object = {}, key = first) =>
  signText(JSON.stringify({ ...claims, ...changed }), header, key);

const encrypt = (plaintext: string, header: object = {}) =>
  new CompactEncrypt(utf8(plaintext))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM', cty: 'JWT', ...header })
    .encrypt(recipient.jwk);

const make = (options: Partial<ResponseVerifierOptions> = {}) =>
  responseVerifier({ issuer, jwks: { keys: [first.jwk] }, ...options });
const verify = (body: string, options: Partial<ResponseVerifierOptions> = {}, at = now) =>
  make(options).verify(body, { now: at, clientId });

const refused = (reason = '') =>
  expect.objectContaining({
    name: 'IntrospectionError',
    code: 'ERR_RESPONSE_VERIFICATION',
    status: 502,
    message: expect.stringContaining(reason),
  });

describe('responseVerifier', () => {
  it('gives the members of token_introspection, and nothing of the claims around them', async () => {
    const answer = await sign({ sub: 'mallory', exp: now + 60, scope: 'admin', active: false, jti: 'x' });
    expect(await verify(answer)).toEqual(members);
    expect(await verify(await sign({ token_introspection: { active: false } }))).toEqual({ active: false });
    expect(await verify(await sign({ sub: 'mallory', token_introspection: {} }))).toEqual({});
  });

  it('reads the example of RFC 9701 §5', async () => {
    const { header, claims, signingInput, signature } = rfc9701Example;
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: header.kid }] };
    const options = { issuer: claims.iss, audience: claims.aud, jwks };
    const expected = { now: claims.iat + 1, clientId };
    const ours = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, utf8(signingInput));
    const answer = `${signingInput}.${Buffer.from(ours).toString('base64url')}`;
    expect(decodeProtectedHeader(answer)).toEqual(header);
    expect(decodeJwt(answer)).toEqual(claims);

    expect(await responseVerifier(options).verify(answer, expected)).toEqual(claims.token_introspection);
    await expect(responseVerifier(options).verify(`${signingInput}.${signature}`, expected)).rejects.toThrow(
      refused('SIGNATURE'),
    );
    await expect(
      responseVerifier(options).verify(answer, { ...expected, now: claims.iat + 61 }),
    ).rejects.toThrow(refused('60 seconds'));
  });

  it.each(['token-introspection+jwt', 'Token-Introspection+JWT', 'application/token-introspection+jwt'])(
    'takes the typ %s',
    async (typ) => expect(await verify(await sign({}, { typ }))).toEqual(members),
  );

  it.each([
    undefined,
    '',
    'JWT',
    'at+jwt',
    'text/token-introspection+jwt',
    'token-introspection',
    ['token-introspection+jwt'],
    1,
    null,
  ])('refuses the typ %j', async (typ) =>
    expect(verify(await sign({}, { typ }))).rejects.toThrow(refused('typ')),
  );

  it.each<[string, object, Partial<ResponseVerifierOptions>?]>([
    ['iss', { iss: 'https://evil.test' }],
    ['iss', { iss: undefined }],
    ['iss', { iss: [issuer] }],
    ['iss', { iss: `${issuer}/` }],
    ['aud', { aud: 'other' }],
    ['aud', { aud: undefined }],
    ['aud', { aud: ['other'] }],
    ['aud', { aud: [] }],
    ['aud', { aud: 1 }],
    ['aud', { aud: { [clientId]: true } }],
    ['aud', {}, { audience: 'https://api.test' }],
    ['aud', { aud: 'https://api' }, { audience: 'https://api.test' }],
    ['iat', { iat: undefined }],
    ['iat', { iat: String(now) }],
    ['iat', { iat: null }],
    ['exp', { exp: now - 5 }],
    ['exp', { exp: String(now + 60) }],
    ['nbf', { nbf: now + 6 }],
    ['nbf', { nbf: String(now) }],
  ])('refuses a wrong %s: %o', async (name, changed, options) =>
    expect(verify(await sign(changed), options)).rejects.toThrow(refused(name)),
  );

  it.each<[object, Partial<ResponseVerifierOptions>?]>([
    [{ aud: ['other', clientId] }],
    [{ aud: 'https://api.test' }, { audience: 'https://api.test' }],
    [{ aud: ['b', 'c'] }, { audience: ['a', 'b'] }],
    [{ exp: now - 4 }],
    [{ nbf: now + 5 }],
  ])('takes %o with %o', async (changed, options) =>
    expect(await verify(await sign(changed), options)).toEqual(members),
  );

  it('counts the client id as audience only where no other is set', async () => {
    const answer = await sign({ aud: 'second-gateway' });
    expect(await make().verify(answer, { now, clientId: 'second-gateway' })).toEqual(members);
    await expect(
      make({ audience: 'gateway' }).verify(answer, { now, clientId: 'second-gateway' }),
    ).rejects.toThrow(refused('aud'));
  });

  it.each<[number, number | undefined, boolean]>([
    [now - 60, undefined, true],
    [now - 61, undefined, false],
    [now - 60.5, undefined, false],
    [now + 5, undefined, true],
    [now + 6, undefined, false],
    [now - 3, 3, true],
    [now - 4, 3, false],
    [now - 600, 600, true],
    [-1e300, undefined, false],
    [1e300, undefined, false],
  ])('an iat of %d with maxAgeSeconds %s counts: %s', async (iat, maxAgeSeconds, counts) => {
    const answer = verify(await sign({ iat }), maxAgeSeconds === undefined ? {} : { maxAgeSeconds });
    await (counts
      ? expect(answer).resolves.toEqual(members)
      : expect(answer).rejects.toThrow(refused('clocks')));
  });

  it('takes no answer again once its time is over', async () => {
    const verifier = make();
    const answer = await sign();
    expect(await verifier.verify(answer, { now: now + 60, clientId })).toEqual(members);
    await expect(verifier.verify(answer, { now: now + 61, clientId })).rejects.toThrow(refused());
  });

  it('refuses a foreign signature, a changed payload and no signature', async () => {
    await expect(verify(await sign({}, { kid: 'first' }, second))).rejects.toThrow(refused('SIGNATURE'));
    const [header, , signature] = (await sign({ token_introspection: { active: false } })).split('.');
    const [, payload] = (await sign()).split('.');
    await expect(verify(`${header}.${payload}.${signature}`)).rejects.toThrow(refused('SIGNATURE'));
    await expect(verify(`${header}.${payload}.`)).rejects.toThrow(refused());
  });

  it.each(['none', 'None', 'HS256', '', undefined, 1])('refuses the alg %j', async (alg) => {
    const typ = 'token-introspection+jwt';
    await expect(verify(unsignedJwt(claims, { alg, typ }))).rejects.toThrow(refused());
  });

  it('refuses a shared-secret signature made with the public key', async () => {
    const forged = await new CompactSign(utf8(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'HS256', typ: 'token-introspection+jwt', kid: 'first' })
      .sign(utf8(JSON.stringify(first.jwk)));
    await expect(verify(forged)).rejects.toThrow(refused('ALG_NOT_ALLOWED'));
  });

  it('takes only the algorithms that were asked for', async () => {
    expect(await verify(await sign(), { algorithms: ['PS256', 'ES256'] })).toEqual(members);
    await expect(verify(await sign(), { algorithms: ['RS256'] })).rejects.toThrow(refused('ALG_NOT_ALLOWED'));
  });

  it('refuses a header that must be understood and is not', async () => {
    const [, payload, signature] = (await sign()).split('.');
    const header = { alg: 'ES256', typ: 'token-introspection+jwt', kid: 'first', crit: ['b'], b: 1 };
    const [head] = unsignedJwt({}, header).split('.');
    await expect(verify(`${head}.${payload}.${signature}`)).rejects.toThrow(refused('NOT_SUPPORTED'));
  });

  it.each([undefined, null, 'x', JSON.stringify(members), 1, true, [], [members]])(
    'refuses a token_introspection that is %j',
    async (token_introspection) =>
      expect(verify(await sign({ token_introspection }))).rejects.toThrow(refused('token_introspection')),
  );

  it.each([
    '"token_introspection":{"active":false},"token_introspection":{"active":true}',
    '"token_introspection":{"active":false},"token\\u005fintrospection":{"active":true}',
    '"token_introspection":{"active":false,"active":true}',
    '"token_introspection":{"active":false,"\\u0061ctive":true}',
    `"token_introspection":{"active":true,"x":${'['.repeat(100)}${']'.repeat(100)}}`,
    '"iat":1800000000,"token_introspection":{"active":true}',
    '"aud":"gateway","token_introspection":{"active":true}',
  ])('refuses what two readers may read in two ways: %s', async (rest) => {
    const text = (tail: string) => `{"iss":"${issuer}","aud":"${clientId}","iat":${now},${tail}}`;
    await expect(verify(await signText(text(rest)))).rejects.toThrow(refused());
    // the frame itself is not what is refused
    expect(await verify(await signText(text('"token_introspection":{"active":true}')))).toEqual({
      active: true,
    });
  });

  it('refuses a payload that is no object, or not UTF-8', async () => {
    for (const text of ['', '[]', 'null', '"x"', `\ufeff${JSON.stringify(claims)}`])
      await expect(verify(await signText(text))).rejects.toThrow(refused());
    const latin1 = Uint8Array.from(JSON.stringify({ ...claims, x: 'é' }), (letter) => letter.charCodeAt(0));
    await expect(verify(await signBytes(latin1))).rejects.toThrow(refused());
  });

  it('keeps __proto__ a member like any other', async () => {
    const text = `{"iss":"${issuer}","aud":"${clientId}","iat":${now},"token_introspection":{"__proto__":{"active":true}}}`;
    const read = await verify(await signText(text));
    expect(read.active).toBeUndefined();
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it('trims one line break after the answer, and nothing else', async () => {
    const answer = await sign();
    for (const end of ['\n', '\r\n']) expect(await verify(answer + end)).toEqual(members);
    const altered = ['\n\n', ' ', '\t', '=', '.', '\r'].map((end) => answer + end);
    altered.push(`\n${answer}`, ` ${answer}`, `\ufeff${answer}`, `"${answer}"`, answer.replace('.', '.\n'));
    for (const body of altered) await expect(verify(body)).rejects.toThrow(refused('no signed JWT'));
  });

  it.each(['', '.', '..', 'a.b', 'a.b.c.d', 'a.b.c.d.e.f', '{"active":true}', '<html>'])(
    'refuses the body %j',
    async (body) => expect(verify(body)).rejects.toThrow(refused('no signed JWT')),
  );

  it('says no value of the answer', async () => {
    const secret = 'secret-value';
    const bodies = [
      await sign({ iss: secret }),
      await sign({ aud: secret }),
      await sign({ iat: secret }),
      await sign({ token_introspection: secret }),
      await sign({ [secret]: 1 }, { typ: secret }),
      await sign({}, { kid: secret }),
      await signText(`{"${secret}"`),
      secret,
    ];
    for (const body of bodies) {
      const error = await verify(body).catch((it) => it);
      expect(error).toEqual(refused());
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain(secret);
      expect(error.cause).toBeUndefined();
    }
  });

  it('tries every key that fits where the answer names none', async () => {
    const [one, two] = await Promise.all([makeKey(), makeKey()]);
    const jwks = { keys: [one.jwk, two.jwk] };
    for (const key of [one, two]) expect(await verify(await sign({}, {}, key), { jwks })).toEqual(members);
    await expect(verify(await sign({}, {}, await makeKey()), { jwks })).rejects.toThrow(refused('SIGNATURE'));
  });

  it('names in its context all that the judgement rests on, and no private key', async () => {
    const others: Partial<ResponseVerifierOptions>[] = [
      {},
      { issuer: 'https://other.test' },
      { audience: 'x' },
      { algorithms: ['ES256'] },
      { maxAgeSeconds: 61 },
      { jwks: { keys: [second.jwk] } },
    ];
    const contexts = others.map((options) => make(options).context);
    contexts.push(responseVerifier({ issuer, jwksUri: 'https://as.test/jwks' }).context);
    expect(new Set(contexts).size).toBe(contexts.length);
    expect(make().context).toBe(make().context);
    const { privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const decryptionKey = await exportJWK(privateKey);
    expect(make({ decryptionKey }).context).not.toContain(decryptionKey.d);
  });

  it.each<[string, object]>([
    ['issuer', { issuer: '' }],
    ['issuer', { issuer: undefined }],
    ['audience', { audience: [] }],
    ['audience', { audience: '' }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['jwks', { jwks: undefined }],
    ['jwks', { jwksUri: 'https://as.test/jwks' }],
    ['jwks', { jwks: { keys: 'x' } }],
    ['jwksUri', { jwks: undefined, jwksUri: 'http://as.test/jwks' }],
    ['maxAgeSeconds', { maxAgeSeconds: 0 }],
    ['maxAgeSeconds', { maxAgeSeconds: '60' }],
    ['maxAgeSeconds', { maxAgeSeconds: Number.POSITIVE_INFINITY }],
    ['decryptionKey', { decryptionKey: 'secret' }],
    ['maxAge', { maxAge: 60 }],
    ['typ', { typ: 'JWT' }],
  ])('refuses a wrong option %s: %o', (name, wrong) => {
    expect(() => make(wrong)).toThrow(TypeError);
    expect(() => make(wrong)).toThrow(name);
  });
});

describe('keys that sign answers and are published', () => {
  async function setUp() {
    const server = await startServer(jsonAnswer({ keys: [first.jwk] }));
    const verifier = responseVerifier({ issuer, jwksUri: server.endpoint });
    const verify = async (key: Key, at: number) =>
      verifier.verify(await sign({ iat: at }, {}, key), { now: at, clientId });
    return { server, verify, verifier };
  }

  it('are fetched when first needed, and again for an unknown key at most once in 30 seconds', async () => {
    const { server, verify } = await setUp();
    expect(server.calls).toHaveLength(0);
    await Promise.all([verify(first, now), verify(first, now)]);
    server.answer = jsonAnswer({ keys: [first.jwk, second.jwk] });
    await expect(verify(second, now + 29)).rejects.toThrow(refused('NO_MATCHING_KEY'));
    expect(server.calls).toHaveLength(1);
    await verify(second, now + 30);
    expect(server.calls).toHaveLength(2);
  });

  it('that cannot be had are said to be so', async () => {
    const { server, verify } = await setUp();
    server.answer = statusAnswer(500);
    await expect(verify(first, now)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_KEYS_UNAVAILABLE', status: 502 }),
    );
  });

  it('are not asked for where the alg does not count', async () => {
    const { server, verifier } = await setUp();
    const typ = 'token-introspection+jwt';
    await expect(
      verifier.verify(unsignedJwt(claims, { alg: 'none', typ }), { now, clientId }),
    ).rejects.toThrow(refused('ALG_NOT_ALLOWED'));
    expect(server.calls).toHaveLength(0);
  });

  it('come through a given fetch', async () => {
    const verifier = responseVerifier({
      issuer,
      jwksUri: new URL('https://as.test/jwks'),
      fetch: async () => Response.json({ keys: [first.jwk] }),
    });
    expect(await verifier.verify(await sign(), { now, clientId })).toEqual(members);
  });
});

describe('encrypted answers', () => {
  it('count where there is a key for them, as signed ones still do', async () => {
    const options = { decryptionKey: recipient.privateKey };
    for (const body of [await encrypt(await sign()), await sign()])
      expect(await verify(body, options)).toEqual(members);
  });

  it('are trimmed of one line break, and of nothing else', async () => {
    const options = { decryptionKey: recipient.privateKey };
    const answer = await encrypt(await sign());
    for (const end of ['\n', '\r\n']) expect(await verify(answer + end, options)).toEqual(members);
    const altered = [`${answer}\n\n`, `${answer} `, `${answer}=`, ` ${answer}`, answer.replace('.', '.\n')];
    for (const body of altered) await expect(verify(body, options)).rejects.toThrow(refused('no signed JWT'));
  });

  it('name the missing option where there is no key', async () => {
    await expect(verify(await encrypt(await sign()))).rejects.toThrow(refused('decryptionKey'));
  });

  it.each<[string, () => Promise<string>]>([
    ['no signature', async () => JSON.stringify(claims)],
    ['no signed JWT', async () => `${await sign()}\n`],
    ['another encryption', async () => encrypt(await sign())],
    ['the alg none', async () => unsignedJwt(claims, { alg: 'none', typ: 'token-introspection+jwt' })],
    ['a foreign signature', () => sign({}, { kid: 'first' }, second)],
    ['another audience', () => sign({ aud: 'other' })],
    ['another typ', () => sign({}, { typ: 'at+jwt' })],
    ['no object', () => sign({ token_introspection: 'x' })],
  ])('with %s inside are refused', async (_title, make) => {
    const body = await encrypt(await make());
    await expect(verify(body, { decryptionKey: recipient.privateKey })).rejects.toThrow(refused());
  });

  it('are believed for what is signed, not for their header', async () => {
    const body = await encrypt(await sign({ aud: 'other' }), {
      typ: 'token-introspection+jwt',
      iss: issuer,
      aud: clientId,
    });
    await expect(verify(body, { decryptionKey: recipient.privateKey })).rejects.toThrow(refused('aud'));
  });
});
