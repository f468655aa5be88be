import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('core'), {
  // a process for each of so many small files would take longer than the tests; what a file replaces it puts back
  test: { isolate: false, coverage: { thresholds: { branches: 95 } } },
});
