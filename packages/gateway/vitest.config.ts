import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('gateway'), {
  test: {
    include: ['deploy/**/*.test.ts'],
    setupFiles: ['test/every-file.ts'],
    // much of their time goes into waiting for processes
    maxWorkers: 2,
    // what starts processes, and puts load on them, takes a busy machine long
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
