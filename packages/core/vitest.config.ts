import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('core'), {
  test: { coverage: { thresholds: { branches: 95 } } },
});
