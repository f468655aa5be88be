import { describe, expect, it } from 'vitest';
import { type DpopNoncesOptions, dpopNonces } from './dpop-nonce.js';

const secret = 'a secret of no less than 32 characters';
const start = 1_800_000_000;
const unreadable = expect.objectContaining({ name: 'IntrospectionError', code: 'ERR_DPOP_SECRET' });

describe('DPoP nonces', () => {
  it('stay for their lifetime, and are the previous ones for as long again', async () => {
    const nonces = dpopNonces({ secret, lifetimeSeconds: 100 });
    const first = await nonces.windowAt(start);
    expect(await nonces.windowAt(start + 99)).toEqual(first);
    const second = await nonces.windowAt(start + 100);
    expect(second.current).not.toBe(first.current);
    expect(second.previous).toBe(first.current);
    const third = await nonces.windowAt(start + 200);
    expect([third.current, third.previous]).not.toContain(first.current);
  });

  it('last two minutes unless told otherwise', async () => {
    const nonces = dpopNonces({ secret });
    const { current } = await nonces.windowAt(start);
    expect((await nonces.windowAt(start + 119)).current).toBe(current);
    expect((await nonces.windowAt(start + 120)).previous).toBe(current);
  });

  it('are the same on every instance with the same secret and lifetime, and on no other', async () => {
    const at = async (options: DpopNoncesOptions, now = start) =>
      (await dpopNonces(options).windowAt(now)).current;
    const ours = await at({ secret });
    expect(await at({ secret: async () => secret })).toBe(ours);
    expect(await at({ secret: `${secret}.` })).not.toBe(ours);
    // where both are in the same step of their own
    expect(await at({ secret, lifetimeSeconds: 60 }, start / 2)).not.toBe(ours);
  });

  it('are of the characters that a nonce may have', async () => {
    const { current, previous } = await dpopNonces({ secret }).windowAt(start);
    for (const nonce of [current, previous]) expect(nonce).toMatch(/^[\w-]{43}$/);
  });

  it('are made of a secret that was replaced, as soon as a new one is due', async () => {
    let stored = secret;
    const nonces = dpopNonces({ secret: () => stored, lifetimeSeconds: 100 });
    await nonces.windowAt(start);
    stored = `${secret}, replaced`;
    const { current } = await nonces.windowAt(start + 100);
    expect(current).toBe(
      (await dpopNonces({ secret: stored, lifetimeSeconds: 100 }).windowAt(start + 100)).current,
    );
  });

  it('are not there while the secret cannot be read, and then are', async () => {
    let isBroken = true;
    const nonces = dpopNonces({
      secret() {
        if (isBroken) throw new Error(`cannot read ${secret}`);
        return secret;
      },
    });
    const failure = await nonces.windowAt(start).catch((error) => error);
    expect(failure).toEqual(unreadable);
    expect(String(failure.stack) + String(failure.cause)).not.toContain(secret);
    isBroken = false;
    expect(await nonces.windowAt(start)).toEqual(await dpopNonces({ secret }).windowAt(start));
  });

  it('are not made of a secret too short, whoever gives it', async () => {
    await expect(dpopNonces({ secret: () => 'short' }).windowAt(start)).rejects.toThrow(unreadable);
  });

  it.each<[string, object]>([
    ['secret', {}],
    ['secret', { secret: '' }],
    ['secret', { secret: 'x'.repeat(31) }],
    ['secret', { secret: 7 }],
    ['lifetimeSeconds', { secret, lifetimeSeconds: 0 }],
    ['lifetime', { secret, lifetime: 60 }],
  ])('refuse a wrong %s: %o', (name, options) => {
    const make = () => dpopNonces(options as DpopNoncesOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(name);
  });
});
