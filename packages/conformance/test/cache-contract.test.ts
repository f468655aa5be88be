import { memoryCache, tieredCache } from '@phantom-token/core';
import { describe, it } from 'vitest';
import { cacheContract } from '../src/index.js';

describe('memoryCache', () => {
  for (const { title, run } of cacheContract({ shared: false })) it(title, () => run(memoryCache()));
});

describe('tieredCache', () => {
  for (const { title, run } of cacheContract({ shared: false })) {
    it(title, () => run(tieredCache(memoryCache(), memoryCache())));
  }
});
