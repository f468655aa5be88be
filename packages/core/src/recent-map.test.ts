import { expect, it } from 'vitest';
import { createRecentMap } from './recent-map.js';

it('keeps what is used, lets go what is not, and stays bounded', () => {
  const map = createRecentMap<number>();
  map.set('used', -1);
  map.set('unused', -2);
  for (let index = 0; index < 20_000; index++) {
    expect(map.set(`key${index}`, index)).toBe(index);
    expect(map.get('used')).toBe(-1);
  }
  expect(map.get('unused')).toBeUndefined();
  expect(map.get('key19999')).toBe(19_999);
  const kept = Array.from({ length: 20_000 }, (_, index) => map.get(`key${index}`)).filter(
    (value) => value !== undefined,
  );
  expect(kept.length).toBeLessThanOrEqual(2 * 1024);
});

it('passes long keys by', () => {
  const map = createRecentMap<number>();
  expect(map.set('x'.repeat(4201), 1)).toBe(1);
  expect(map.get('x'.repeat(4201))).toBeUndefined();
});
