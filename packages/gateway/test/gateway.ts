import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { runCommand } from '../src/command.js';
import { onEnd } from './lifetime.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [name: string]: unknown;
}

export interface RunningGateway {
  readonly url: string;
  readonly adminUrl: string;
  readonly process: ChildProcess;
  /** What it has logged so far. */
  readonly lines: readonly Line[];
  /** What it has said on standard error so far, which should be nothing. */
  readonly errors: string;
  /** Resolves with the first line, past or to come, of this message. */
  logged(msg: string): Promise<Line>;
  /** Asks the admin port, on a connection of its own: one that is kept may end as the next request comes. */
  admin(path: string): Promise<Response>;
  metrics(): Promise<string>;
}

/** Runs the command as people do, and waits until it accepts connections. Ends with the test, or with the file. */
export async function startGateway(config: object | { readonly file: string }): Promise<RunningGateway> {
  const isFile = 'file' in config;
  const child = spawn(process.execPath, [cli, '--config', isFile ? String(config.file) : '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onEnd(() => void child.kill('SIGKILL'));
  if (!isFile) child.stdin.end(stringify(config));
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
    process.stderr.write(chunk);
  });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on('line', (line) => {
    lines.push(JSON.parse(line));
    for (const check of waiting) check();
  });
  const logged = (msg: string) =>
    new Promise<Line>((resolve, reject) => {
      const check = () => {
        const found = lines.find((line) => line.msg === msg);
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)));
      check();
    });
  const { url, adminUrl } = await logged('listening');
  const admin = (path: string) => fetch(`${adminUrl}${path}`, { headers: { Connection: 'close' } });
  return {
    url: String(url),
    adminUrl: String(adminUrl),
    process: child,
    lines,
    get errors() {
      return errors;
    },
    logged,
    admin,
    metrics: async () => (await admin('/metrics')).text(),
  };
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end, in a process of its own. */
export async function runCli(
  args: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** The same in this process, which is much cheaper: for what starts nothing. */
export async function runHere(
  args: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  const writer = (name: keyof typeof printed) => ({
    write(text: string) {
      printed[name] += text;
    },
  });
  const streams = { stdin: Readable.from([input]), stdout: writer('stdout'), stderr: writer('stderr') };
  const code = await runCommand(args, { ...streams, env });
  return { code, ...printed };
}
