import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.js';

// one file replaces core, and the others are to have their own
export default mergeConfig(shared('adapter-express'), { test: { isolate: true } });
