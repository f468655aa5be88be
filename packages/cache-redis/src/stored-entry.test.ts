import { expect, it } from 'vitest';
import type { Bytes } from './sealing-primitives.js';
import { parse, serialize } from './stored-entry.js';

const contentOf = (jwt: string, claims: string): Bytes => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(jwt));
  return Buffer.concat([length, Buffer.from(jwt + claims)]);
};

const claimsOf = (text: string) => {
  const { result } = parse(contentOf('j', text), { expiresAt: 1 });
  return result.active ? result.claims : undefined;
};

it('an entry is its JWT and its claims, each as it was', () => {
  const claims = { sub: 'é 😀', list: ['{', '}'] };
  for (const jwt of ['header.payload.signature', '', 'é 😀{}', 'x'.repeat(70_000)]) {
    const content = serialize(jwt, claims);
    expect(content.equals(contentOf(jwt, JSON.stringify(claims)))).toBe(true);
    const padded = Buffer.concat([content, Buffer.alloc(500, ' ')]);
    const entry = { result: { active: true, jwt, claims }, expiresAt: 2, storedAt: 1 };
    expect(parse(padded, { expiresAt: 2, storedAt: 1 })).toStrictEqual(entry);
  }
});

it('an entry’s claims are frozen all the way down', () => {
  const claims = claimsOf('{"a":[{"b":{}}],"c":null}') as { a: [{ b: object }] };
  for (const part of [claims, claims.a, claims.a[0], claims.a[0].b]) expect(Object.isFrozen(part)).toBe(true);
});

it('an entry may be nested as deeply as its size allows', () => {
  const depth = 60_000;
  expect(claimsOf(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toBeDefined();
});
