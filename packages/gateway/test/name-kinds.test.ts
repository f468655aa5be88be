import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { rememberKinds } from '../src/name-kinds.js';

it('a name is judged once, a long one each time', () => {
  const judge = vi.fn((name: string) => name.length);
  const kindOf = rememberKinds(judge);
  const long = 'x'.repeat(65);
  expect(['Host', 'Host', long, long].map(kindOf)).toEqual([4, 4, 65, 65]);
  expect(judge.mock.calls.flat()).toEqual(['Host', long, long]);
});

it('names keep nothing of the heads that they stood in, and are not kept without end', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kindOf = rememberKinds(() => 'pass');
  const measure = (heads: number, bytes: number) => {
    for (let index = 0; index < heads; index++)
      kindOf(Buffer.alloc(bytes, `x-made-up-name-${index}: `).toString('latin1').slice(0, 22));
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = measure(1, 100);
  // 117 MB of heads
  expect(measure(1800, 65_000) - before).toBeLessThan(20_000_000);
  expect(measure(500_000, 100) - before).toBeLessThan(20_000_000);
});
