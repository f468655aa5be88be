// The gateway as users start it: one command, and a YAML text on standard input.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import '../signals.mjs';

const startSeconds = 60;
const stopSeconds = 30;

// Another command that speaks the contract may be named, to try the tests themselves.
const command =
  process.env.INTEROP_GATEWAY ??
  fileURLToPath(new URL('../../packages/gateway/dist/cli.js', import.meta.url));

/** Resolves with the line that says where it listens; rejects with all it wrote when it ends or says no such thing. */
const listening = (child, written) =>
  new Promise((resolve, reject) => {
    const fail = (what) => reject(new Error(`the gateway ${what}:\n${written.join('\n')}`));
    createInterface({ input: child.stderr }).on('line', (line) => written.push(line));
    createInterface({ input: child.stdout }).on('line', (line) => {
      written.push(line);
      let said;
      try {
        said = JSON.parse(line);
      } catch {
        fail('wrote a line that is not JSON');
        return;
      }
      if (said.msg === 'listening') resolve(said);
    });
    child.once('close', (code) => fail(`ended with ${code}`));
    setTimeout(() => fail('does not say that it listens'), startSeconds * 1000).unref();
  });

/**
 * Starts the gateway with `config`, a YAML text or an object (JSON is YAML). Give it `listen: { port: 0 }` and
 * `admin: { port: 0 }` for free ports. Resolves with `{ url, adminUrl, metric(name, labels), output(), stop() }`.
 */
export const startGateway = async (config) => {
  if (!existsSync(command)) throw new Error('the gateway is not built: run `npm run build` first');
  const child = spawn(process.execPath, [command, '--config', '-'], {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const closed = once(child, 'close');
  child.stdin.on('error', () => {}); // It may refuse to start before it has read everything.
  child.stdin.end(typeof config === 'string' ? config : JSON.stringify(config));

  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const late = setTimeout(kill, stopSeconds * 1000);
    await closed;
    clearTimeout(late);
  };
  const written = [];
  try {
    const { url, adminUrl } = await listening(child, written);
    return {
      url,
      adminUrl,
      output: () => written.join('\n'),
      /** The sum of a metric over the lines whose labels hold `labels`, such as `tier="memory"`. */
      metric: async (name, labels = '') => {
        const text = await (await fetch(`${adminUrl}/metrics`)).text();
        const lines = text
          .split('\n')
          .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
        return lines
          .filter((line) => line.includes(labels))
          .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
