import { describe, expect, it } from 'vitest';
import { readPeppers } from './pepper.js';
import {
  createRevocationMessages,
  messageBytes,
  nonceOf,
  type RevocationMessagesOptions,
} from './revocation-messages.js';
import { type Bytes, findPrimitives, type SealingPrimitives, webPrimitives } from './sealing-primitives.js';

const now = 1_800_000_000;
const digest = 'CANARYdigest-AbCdEfGhIjKlMnOpQrStUvWxYz_012';
const [pepper] = readPeppers({ id: 'p1', secret: 'what all instances know and Redis does not' });
const [otherPepper] = readPeppers({ id: 'p1', secret: 'what somebody guessed, as long as it must be' });
const usual: RevocationMessagesOptions = { pepper, channel: 'pt:revocations:1:{p1}', memorySeconds: 3600 };
const nonce: Bytes = Buffer.from('000102030405060708090a0b', 'hex');

const make = (options: Partial<RevocationMessagesOptions> = {}, primitives?: SealingPrimitives) =>
  createRevocationMessages({ ...usual, ...options }, primitives);

/** Counts what it costs to look at messages. */
function counting() {
  const counts = { decrypted: 0 };
  const primitives = findPrimitives();
  const decrypt: SealingPrimitives['decrypt'] = (...args) => {
    counts.decrypted++;
    return primitives.decrypt(...args);
  };
  return { counts, messages: make({}, { ...primitives, decrypt }) };
}

describe('a message', () => {
  it('is opened by who has the same pepper', async () => {
    expect(digest).toHaveLength(43);
    expect(await make().open(await make().seal(digest, now), now)).toBe(digest);
  });

  it('has one length, whatever it says and whenever, and is never the same', async () => {
    const messages = make();
    const sealed = await Promise.all([
      messages.seal(digest, now),
      messages.seal(digest, now),
      messages.seal('-'.repeat(43), 0.5),
    ]);
    expect(sealed.map(({ length }) => length)).toEqual([messageBytes, messageBytes, messageBytes]);
    expect(new Set(sealed.map(nonceOf)).size).toBe(3);
    expect(new Set(sealed.map((message) => message.toString('hex'))).size).toBe(3);
  });

  it('is the known answer', async () => {
    const sealed = await make().seal(digest, now, nonce);
    expect(sealed.toString('hex')).toBe(
      [
        // version, instant, nonce
        '01' + '41dad27480000000' + '000102030405060708090a0b',
        // AES-256-GCM of the digest with HKDF-SHA-256 of the pepper, the header and the channel beside it
        '61655b0520fe7a9d2bef5bee3cced250b9b83dbd22169bf4dbee2b1e1f4a29751a38d8ef28949880b24e67626af1a47466c5e79dd02b05aaf56671',
      ].join(''),
    );
    expect(sealed).toHaveLength(80);
  });

  it('is the same where there is only WebCrypto', async () => {
    const web = make({}, webPrimitives(crypto));
    const sealed = await make().seal(digest, now, nonce);
    expect((await web.seal(digest, now, nonce)).equals(sealed)).toBe(true);
    expect(await web.open(sealed, now)).toBe(digest);
    sealed[70] = (sealed[70] ?? 0) ^ 1;
    expect(await web.open(sealed, now)).toBeUndefined();
  });

  it('is not opened when any of its bits is another', async () => {
    const messages = make();
    const sealed = await messages.seal(digest, now, nonce);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await messages.open(changed, now)).toBeUndefined();
    }
  });

  it.each<[string, Partial<RevocationMessagesOptions>]>([
    ['with another pepper of that id', { pepper: otherPepper }],
    ['on the channel of another prefix', { channel: 'qt:revocations:1:{p1}' }],
    ['on the channel of another pepper', { channel: 'pt:revocations:1:{p2}' }],
  ])('is not opened when it was sealed %s', async (_title, options) => {
    const sealed = await make(options).seal(digest, now);
    expect(await make().open(sealed, now)).toBeUndefined();
  });

  it.each([
    [3600, true],
    [3600.5, false],
    [-3600, true],
    [-3600.5, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
    [Number.NEGATIVE_INFINITY, false],
  ])('that was sealed %d seconds ago is heard: %s', async (seconds, isHeard) => {
    const { counts, messages } = counting();
    const sealed = await messages.seal(digest, now - seconds);
    expect(await messages.open(sealed, now)).toBe(isHeard ? digest : undefined);
    expect(counts.decrypted).toBe(isHeard ? 1 : 0);
  });

  it.each(['', 'short', `${'a'.repeat(42)}=`, `${'a'.repeat(42)}é`, 'a'.repeat(44), undefined, 7])(
    'is not made of %j',
    async (value) => {
      await expect(make().seal(value as string, now)).rejects.toThrow(TypeError);
    },
  );

  it('that holds no digest is not heard, whoever sealed it', async () => {
    const primitives = findPrimitives();
    const lying = { ...primitives };
    lying.encrypt = (key, iv, head, place) =>
      primitives.encrypt(key, iv, head, place, Buffer.from('!'.repeat(43)));
    const sealed = await make({}, lying).seal(digest, now);
    expect(sealed).toHaveLength(messageBytes);
    expect(await make().open(sealed, now)).toBeUndefined();
  });
});

describe('a flood', () => {
  it('of what no message looks like is not even decrypted', async () => {
    const { counts, messages } = counting();
    const sealed = await messages.seal(digest, now);
    const version = Buffer.from(sealed);
    version[0] = 2;
    const odd = [
      Buffer.alloc(0),
      Buffer.alloc(messageBytes),
      Buffer.alloc(1_000_000, sealed),
      sealed.subarray(1),
      Buffer.concat([sealed, Buffer.alloc(1)]),
      Buffer.from(sealed.toString('base64')),
      version,
    ];
    let opened = 0;
    for (let index = 0; index < 100_000; index++)
      if (messages.open(odd[index % odd.length] as Bytes, now) !== undefined) opened++;
    expect(opened).toBe(0);
    expect(counts.decrypted).toBe(0);
  });

  it('of forgeries costs one decryption each, of as many bytes', async () => {
    const { counts, messages } = counting();
    const forged = await make({ pepper: otherPepper }).seal(digest, now);
    let opened = 0;
    for (let index = 0; index < 100_000; index++) {
      forged.writeUInt32BE(index, 9);
      if (messages.open(forged, now) !== undefined) opened++;
    }
    expect(opened).toBe(0);
    expect(counts.decrypted).toBe(100_000);
  }, 60_000);
});
