import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { token } from './authorization-server.js';
import { measureThroughput } from './load.js';
import { measurePairs, type PairedResult } from './paired.js';

interface Ports {
  readonly bare: number;
  readonly idle: number;
  readonly guarded: number;
  readonly jwt: string;
}

const request = (authorization: string) =>
  `GET / HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\nUser-Agent: benchmark\r\nAuthorization: ${authorization}\r\n\r\n`;

export type Baseline = 'bare' | 'idle';

/** Requests a second of a framework with our adapter and a hot token, against the same framework without it. */
export async function measureAdapter(
  framework: string,
  baseline: Baseline,
  pairs: number,
  sliceSeconds: number,
): Promise<PairedResult> {
  const child = fork(new URL('./serve.js', import.meta.url), [framework]);
  try {
    const { guarded, jwt, ...baselines } = await ready(child);
    await assertSwapped(guarded, jwt);
    const bytes = request(`Bearer ${token}`);
    const result = await measurePairs(
      pairs,
      () => measureThroughput(guarded, bytes, sliceSeconds),
      () => measureThroughput(baselines[baseline], bytes, sliceSeconds),
    );
    await assertSwapped(guarded, jwt);
    return result;
  } finally {
    child.kill();
  }
}

async function ready(child: ChildProcess): Promise<Ports> {
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [undefined])]);
  if (message === undefined) throw new Error('the server ended before it was ready');
  return message as Ports;
}

/** What does not swap the token is quick for the wrong reason. */
async function assertSwapped(port: number, jwt: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/seen`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  if ((await response.text()) !== `Bearer ${jwt}`) throw new Error('the handler did not see the JWT');
}
