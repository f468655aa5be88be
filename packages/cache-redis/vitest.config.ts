import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

// most of their time goes into waiting for servers that are ill on purpose
export default mergeConfig(shared('cache-redis'), { test: { maxWorkers: 3 } });
