import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

export default mergeConfig(shared('gateway'), { test: { include: ['deploy/**/*.test.ts'] } });
