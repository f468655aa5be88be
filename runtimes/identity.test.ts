import { expect, it } from 'vitest';

it('runs where it is said to run', () => {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  const actual = bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`;
  expect(actual).toBe(process.env.EXPECTED_RUNTIME);
});
