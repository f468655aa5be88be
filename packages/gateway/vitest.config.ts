import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('gateway'), {
  test: {
    include: ['deploy/**/*.test.ts'],
    // most of their time goes into starting processes and waiting for them
    maxWorkers: 3,
    // what starts processes, and puts load on them, takes a busy machine long
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
