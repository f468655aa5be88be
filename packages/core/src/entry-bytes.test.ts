import { describe, expect, it } from 'vitest';
import type { Claims } from './cache.js';
import { entryBytes } from './entry-bytes.js';

const bytesOf = (claims: Claims, jwt = '') =>
  entryBytes({ result: { active: true, jwt, claims }, expiresAt: 0 });

// that the estimate is near the truth is measured by benchmarks/memory.mjs, with a heap of its own
describe('the estimate of an entry', () => {
  const empty = bytesOf({});

  it('counts the JWT twice', () => expect(bytesOf({}, 'x'.repeat(1000)) - empty).toBe(2000));

  it.each<[string, Claims, number]>([
    ['a text', { a: 'x'.repeat(100) }, 100],
    ['a text in Latin-1', { a: 'é'.repeat(100) }, 100],
    ['a text in other letters, for two', { a: `${'x'.repeat(99)}€` }, 200],
    ['texts in a list', { a: ['x'.repeat(50), 'x'.repeat(50)] }, 100],
    ['texts in an object in a list', { a: [{ b: { c: 'x'.repeat(100) } }] }, 100],
  ])('counts %s', (_title, claims, least) => {
    expect(bytesOf(claims) - empty).toBeGreaterThanOrEqual(least + 24);
    expect(bytesOf(claims) - empty).toBeLessThanOrEqual(least + 300);
  });

  it.each([null, true, 7, 1.5])('takes %o for a place and no more', (value) =>
    expect(bytesOf({ a: value }) - empty).toBe(40),
  );

  it('ends for claims nested as deeply as a server can send them', () => {
    const claims = JSON.parse(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`) as Claims;
    expect(bytesOf(claims)).toBeGreaterThan(30_000 * 32);
  });

  it('is of an inactive one too', () =>
    expect(entryBytes({ result: { active: false }, expiresAt: 0 })).toBeGreaterThan(0));
});
