import { describe, expect, it } from 'vitest';
import { adapterCases, redact } from '../src/index.js';
import { serve } from './node-http-adapter.js';

describe('an adapter made of what core exports', () => {
  for (const { title, run } of adapterCases) it(title, () => run(serve));
});

describe('the table', () => {
  it('has a title of its own for every case', () => {
    const titles = adapterCases.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
  });

  it('names no canary and no JWT in a title', () => {
    const text = adapterCases.map(({ title }) => title).join('\n');
    expect(redact(text)).toBe(text);
  });
});
