import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { playStory, steps } from '../src/story.js';
import { startWorld, type WorldOptions } from '../src/world.js';

vi.setConfig({ testTimeout: 120_000 });

async function play(options?: WorldOptions) {
  const world = await startWorld(options);
  const lines: string[] = [];
  const failed = await playStory(world, (line) => lines.push(line));
  await world.close();
  return { failed, lines };
}

function runCommand(...args: string[]) {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  return new Promise<{ status: number; printed: string }>((resolve) => {
    const child = execFile(process.execPath, [main, ...args], (_error, stdout) =>
      resolve({ status: child.exitCode ?? -1, printed: stdout }),
    );
  });
}

describe('the story', () => {
  it('holds, and prints every step', async () => {
    const { failed, lines } = await play();
    expect(failed).toBeUndefined();
    for (const { title } of steps) expect(lines.join('\n')).toContain(title);
  });

  it.each(steps.map(({ name }) => name))('names the step "%s" when that is broken', async (broken) => {
    expect((await play({ broken })).failed).toBe(broken);
  });

  it('runs against a server that it did not start, less the steps that need its own', async () => {
    const { authorizationServer, close } = await startWorld();
    const { url, issuer } = authorizationServer;
    const { failed, lines } = await play({ curity: url, curityIssuer: issuer });
    await close();
    expect(failed).toBeUndefined();
    expect(lines.filter((line) => line.includes('left out'))).toHaveLength(2);
  });
});

describe('the command', () => {
  it('ends with 0 when every step held', async () => {
    const { status, printed } = await runCommand('--once');
    expect(status).toBe(0);
    expect(printed).toContain('every step held');
  });

  it('ends with 1 and names the step that did not', async () => {
    const { status, printed } = await runCommand('--once', '--break', 'scope');
    expect(status).toBe(1);
    expect(printed).toContain('failed: scope');
  });

  it('ends with 2 when it does not know what to break', async () => {
    expect((await runCommand('--once', '--break', 'everything')).status).toBe(2);
  });
});
