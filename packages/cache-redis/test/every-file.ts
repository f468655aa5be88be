import timers from 'node:timers';
import { afterAll, afterEach, expect } from 'vitest';
import { stopLoads } from './topologies/load.js';

afterEach(async () => void (await stopLoads()));

// the next file in this process would wait for ever
afterAll(() => expect(globalThis.setTimeout, 'the timer left behind').toBe(timers.setTimeout));
