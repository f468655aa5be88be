import { expect, it } from 'vitest';
import { createEntryPlaces } from './entry-places.js';
import { readPeppers } from './pepper.js';
import { createSealing } from './sealed-entry.js';

it('remembers 4,096 places for certain, and never more than twice as many', () => {
  const sealing = createSealing();
  let derived = 0;
  const places = createEntryPlaces(readPeppers(undefined), {
    ...sealing,
    keysOf(cacheKey, pepper) {
      derived++;
      return sealing.keysOf(cacheKey, pepper);
    },
  });
  const visit = (from: number, to: number) => {
    for (let index = from; index < to; index++) places.of(`key-${index}`);
  };
  const first = places.of('key-0');
  for (let round = 1; round <= 3; round++) {
    visit(round * 4096, (round + 1) * 4096 - 1);
    expect(places.of('key-0')).toBe(first);
  }
  expect(derived).toBe(1 + 3 * 4095);
  visit(20_000, 20_000 + 2 * 4096);
  expect(places.of('key-0')).not.toBe(first);
});
