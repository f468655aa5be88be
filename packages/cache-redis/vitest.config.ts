import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

const test = { ...shared('cache-redis').test, setupFiles: ['test/every-file.ts'] };

/** They replace the package's clock, which the others are to have. */
const withOwnClock = ['src/redis-revocations.test.ts', 'src/revocation.faults.test.ts'];

export default mergeConfig(
  { test },
  {
    test: {
      // most of their time goes into waiting for servers that are ill on purpose
      maxWorkers: 3,
      projects: [
        { test: { ...test, exclude: withOwnClock } },
        { test: { ...test, name: 'cache-redis, own clock', include: withOwnClock, isolate: true } },
      ],
    },
  },
);
