import { onTestFinished } from 'vitest';

const ends: (() => unknown)[] = [];

/** Called when the test ends that this is called in; outside of tests, such as in `beforeAll`, when the file ends. */
export function onEnd(end: () => unknown): void {
  try {
    onTestFinished(async () => void (await end()));
  } catch {
    ends.push(end);
  }
}

export async function endFile(): Promise<void> {
  for (const end of ends.splice(0)) await end();
}
