import { afterEach } from 'vitest';
import { stopLoads } from './topologies/load.js';

afterEach(async () => void (await stopLoads()));
