import { afterAll } from 'vitest';
import { endFile } from './lifetime.js';

afterAll(endFile);
