import { createPrivateKey } from 'node:crypto';
import {
  CompactEncrypt,
  type CompactJWEHeaderParameters,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  type JWK,
} from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createDecryption } from './response-decryption.js';

const text = 'header.payload.signature';

interface KeyPair {
  readonly publicJwk: JWK;
  readonly jwk: JWK;
  readonly pem: string;
  readonly privateKey: CryptoKey;
}

async function makeKeyPair(algorithm: string, options: { crv?: string } = {}): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true, ...options });
  return {
    publicJwk: await exportJWK(publicKey),
    jwk: await exportJWK(privateKey),
    pem: await exportPKCS8(privateKey),
    privateKey,
  };
}

let rsa: KeyPair;
let curve: KeyPair;
let montgomery: KeyPair;
let stranger: KeyPair;
beforeAll(async () => {
  [rsa, curve, montgomery, stranger] = await Promise.all([
    makeKeyPair('RSA-OAEP-256'),
    makeKeyPair('ECDH-ES'),
    makeKeyPair('ECDH-ES', { crv: 'X25519' }),
    makeKeyPair('ECDH-ES'),
  ]);
});

const encrypt = (
  { publicJwk }: KeyPair,
  header: Partial<CompactJWEHeaderParameters> = {},
  plaintext = text,
) =>
  new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({
      alg: publicJwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES',
      enc: 'A256GCM',
      ...header,
    })
    .encrypt(publicJwk);

/** With another header, which no longer fits what is encrypted. */
const forge = (jwe: string, header: object) =>
  `${Buffer.from(JSON.stringify(header)).toString('base64url')}${jwe.slice(jwe.indexOf('.'))}`;

const refused = (reason = '') =>
  expect.objectContaining({
    name: 'IntrospectionError',
    code: 'ERR_RESPONSE_VERIFICATION',
    status: 502,
    message: expect.stringContaining(reason),
  });

describe('createDecryption', () => {
  const encryptions = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'];

  it.each(['RSA-OAEP', 'RSA-OAEP-256'].flatMap((alg) => encryptions.map((enc) => [alg, enc])))(
    'opens %s with %s',
    async (alg, enc) => {
      const jwe = await encrypt(rsa, { alg, enc });
      for (const key of [rsa.jwk, rsa.pem]) expect(await createDecryption(key)(jwe)).toBe(text);
    },
  );

  it.each(
    ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'].flatMap((alg) => encryptions.map((enc) => [alg, enc])),
  )('opens %s with %s', async (alg, enc) => {
    for (const pair of [curve, montgomery]) {
      const jwe = await encrypt(pair, { alg, enc });
      for (const key of [pair.jwk, pair.pem, pair.privateKey, createPrivateKey(pair.pem)])
        expect(await createDecryption(key)(jwe)).toBe(text);
    }
  });

  it('opens with an imported RSA key what is encrypted for that algorithm', async () => {
    const open = createDecryption(rsa.privateKey);
    expect(await open(await encrypt(rsa, { alg: 'RSA-OAEP-256' }))).toBe(text);
    await expect(open(await encrypt(rsa, { alg: 'RSA-OAEP' }))).rejects.toThrow(refused('fits no'));
  });

  it('gives what was encrypted as it is', async () => {
    const plaintext = '\ufeff\u00e9 \r\n';
    expect(await createDecryption(curve.jwk)(await encrypt(curve, {}, plaintext))).toBe(plaintext);
  });

  it('reads a key in PEM once for each algorithm', async () => {
    const imports = vi.spyOn(crypto.subtle, 'importKey');
    const open = createDecryption(rsa.pem);
    for (const alg of ['RSA-OAEP', 'RSA-OAEP', 'RSA-OAEP-256']) await open(await encrypt(rsa, { alg }));
    expect(imports.mock.calls.filter(([format]) => String(format) === 'pkcs8')).toHaveLength(2);
    imports.mockRestore();
  });

  it.each([
    'A128KW',
    'A256KW',
    'A128GCMKW',
    'dir',
    'PBES2-HS256+A128KW',
    'RSA1_5',
    'RSA-OAEP-512',
    'none',
    'x',
  ])('refuses the key management algorithm %s', async (alg) => {
    const jwe = forge(await encrypt(rsa), { alg, enc: 'A256GCM', p2c: 1, p2s: 'AAAAAAAA' });
    await expect(createDecryption(rsa.jwk)(jwe)).rejects.toThrow(refused('does not count'));
  });

  it('refuses algorithms that jose would take', async () => {
    for (const header of [{ alg: 'ECDH-ES+A192KW' }, { enc: 'A192GCM' }, { enc: 'A192CBC-HS384' }]) {
      const jwe = await encrypt(curve, header);
      await expect(createDecryption(curve.jwk)(jwe)).rejects.toThrow(refused('RSA-OAEP-256'));
    }
  });

  it('refuses a shared secret, although it is known to both', async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const jwe = await new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(secret);
    await expect(createDecryption(curve.jwk)(jwe)).rejects.toThrow(refused('does not count'));
  });

  it.each(['DEF', 'x', '', null])('refuses zip: %j', async (zip) => {
    const jwe = forge(await encrypt(curve), { alg: 'ECDH-ES', enc: 'A256GCM', zip });
    await expect(createDecryption(curve.jwk)(jwe)).rejects.toThrow(refused('zip'));
  });

  it('refuses what was compressed in earnest', async () => {
    const jwe = await encrypt(curve, { zip: 'DEF' }, text.repeat(1000));
    expect(jwe.length).toBeLessThan(text.length * 100);
    await expect(createDecryption(curve.jwk)(jwe)).rejects.toThrow(refused('zip'));
  });

  it('refuses a header that must be understood and is not', async () => {
    const { epk } = JSON.parse(
      Buffer.from((await encrypt(curve)).split('.')[0] ?? '', 'base64url').toString(),
    );
    const header = { alg: 'ECDH-ES', enc: 'A256GCM', epk, crit: ['b'], b: 1 };
    await expect(createDecryption(curve.jwk)(forge(await encrypt(curve), header))).rejects.toThrow(refused());
  });

  it('refuses what was changed in any segment', async () => {
    const open = createDecryption(curve.jwk);
    const segments = (await encrypt(curve, { alg: 'ECDH-ES+A128KW' })).split('.');
    expect(await open(segments.join('.'))).toBe(text);
    for (const index of segments.keys()) {
      const changed = segments.map((segment, at) =>
        at === index ? (segment.startsWith('A') ? 'B' : 'A') + segment.slice(1) : segment,
      );
      await expect(open(changed.join('.'))).rejects.toThrow(refused());
    }
  });

  it.each(['a.b.c.d.e', 'e30.b.c.d.e', 'W10.b.c.d.e', 'bnVsbA.b.c.d.e', '.b.c.d.e'])(
    'refuses %s',
    async (jwe) => expect(createDecryption(curve.jwk)(jwe)).rejects.toThrow(refused()),
  );
});

describe('several decryption keys', () => {
  it('are tried until one fits, whatever their kind', async () => {
    const open = createDecryption([stranger.jwk, rsa.pem, stranger.privateKey, curve.jwk, rsa.jwk]);
    for (const pair of [rsa, curve, stranger]) expect(await open(await encrypt(pair))).toBe(text);
    await expect(open(await encrypt(montgomery))).rejects.toThrow(refused('fits no decryptionKey'));
  });

  it('are told apart by kid where answer and key have one', async () => {
    const named = createDecryption([
      { ...stranger.jwk, kid: 'old' },
      { ...curve.jwk, kid: 'new' },
    ]);
    for (const header of [{ kid: 'new' }, {}]) expect(await named(await encrypt(curve, header))).toBe(text);
    for (const kid of ['old', 'other', ''])
      await expect(named(await encrypt(curve, { kid }))).rejects.toThrow(refused('fits no'));
    expect(await createDecryption([curve.pem])(await encrypt(curve, { kid: 'any' }))).toBe(text);
  });

  it('are told apart by alg and use where they have them', async () => {
    for (const limit of [{ alg: 'ECDH-ES+A128KW' }, { use: 'sig' }, { key_ops: ['sign'] }])
      await expect(createDecryption({ ...curve.jwk, ...limit })(await encrypt(curve))).rejects.toThrow(
        refused('fits no'),
      );
    expect(await createDecryption({ ...curve.jwk, alg: 'ECDH-ES', use: 'enc' })(await encrypt(curve))).toBe(
      text,
    );
  });
});

describe('a function that gives the decryption keys', () => {
  it('is asked when the first encrypted answer comes, and not for the next', async () => {
    let asked = 0;
    const open = createDecryption(async () => {
      asked++;
      return curve.jwk;
    });
    expect(asked).toBe(0);
    for (const _ of [1, 2, 3]) expect(await open(await encrypt(curve))).toBe(text);
    expect(asked).toBe(1);
  });

  it('is asked again when none of its keys fits', async () => {
    const given = [[stranger.jwk], [curve.jwk, stranger.jwk]];
    const open = createDecryption(() => given.shift() ?? []);
    expect(await open(await encrypt(stranger))).toBe(text);
    expect(await open(await encrypt(curve))).toBe(text);
    expect(given).toEqual([]);
  });

  it('is not asked again at once for an answer that fits nothing', async () => {
    let asked = 0;
    const open = createDecryption(() => {
      asked++;
      return { ...curve.jwk };
    });
    for (const _ of [1, 2, 3])
      await expect(open(await encrypt(stranger))).rejects.toThrow(refused('fits no'));
    expect(asked).toBe(2);
  });

  it('that fails or gives no private key is our fault, told without its words', async () => {
    const faulty: (() => JWK)[] = [
      () => {
        throw Object.assign(new Error('secret-path'), { code: 'secret-code' });
      },
      () => curve.publicJwk,
    ];
    for (const give of faulty) {
      const error = await createDecryption(give)(await encrypt(curve)).catch((it) => it);
      expect(error).toEqual(refused('decryptionKey gave no private key'));
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain('secret-');
      expect(error.cause).toBeUndefined();
    }
  });
});

describe('a decryption key that is none', () => {
  it('is refused when it is given', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES');
    const wrong = [
      '',
      'secret',
      `-----BEGIN PUBLIC KEY-----`,
      curve.publicJwk,
      { kty: 'oct', k: 'c2VjcmV0' },
      publicKey,
      {},
      null,
      1,
      [],
      [curve.jwk, 'secret'],
      [[curve.jwk]],
    ];
    for (const key of wrong) {
      expect(() => createDecryption(key as JWK)).toThrow(TypeError);
      expect(() => createDecryption(key as JWK)).toThrow('decryptionKey');
    }
  });

  it('is not changed by being used', async () => {
    const key = { ...curve.jwk };
    await createDecryption(key)(await encrypt(curve));
    expect(Object.isFrozen(key)).toBe(false);
  });

  it('and is PEM in form only fits nothing', async () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----';
    await expect(createDecryption(pem)(await encrypt(curve))).rejects.toThrow(refused('fits no'));
  });
});
