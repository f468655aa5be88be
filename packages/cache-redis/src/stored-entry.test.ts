import { expect, it } from 'vitest';
import { parse } from './stored-entry.js';

const claimsOf = (text: string) => {
  const { result } = parse(`{"jwt":"j","claims":${text}}`, { expiresAt: 1 });
  return result.active ? result.claims : undefined;
};

it('an entry is frozen all the way down', () => {
  const claims = claimsOf('{"a":[{"b":{}}],"c":null}') as { a: [{ b: object }] };
  for (const part of [claims, claims.a, claims.a[0], claims.a[0].b]) expect(Object.isFrozen(part)).toBe(true);
});

it('an entry may be nested as deeply as its size allows', () => {
  const depth = 60_000;
  expect(claimsOf(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toBeDefined();
});
