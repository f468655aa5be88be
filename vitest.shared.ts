import { defineConfig } from 'vitest/config';

/** What every package's tests have in common; a package's own config only names it. */
export const shared = (name: string) =>
  defineConfig({
    test: {
      name,
      // a process for each of so many small files would take longer than the tests; what a file replaces it puts back
      isolate: false,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      reporters: ['default', ['json', { outputFile: '.vitest/results.json' }]],
      coverage: { include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts'], reporter: ['text'] },
      // how long a busy machine may take; what is to be quick says so itself
      testTimeout: 30_000,
      hookTimeout: 60_000,
      expect: { poll: { timeout: 15_000 } },
    },
  });
