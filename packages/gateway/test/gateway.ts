import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { runCommand } from '../src/command.js';
import { parseConfig } from '../src/config-file.js';
import { startGateway as start } from '../src/gateway.js';
import { createLog } from '../src/log.js';
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
  /** What it has logged so far. */
  readonly lines: readonly Line[];
  /** Resolves with the first line, past or to come, of this message. */
  logged(msg: string): Promise<Line>;
  /** Asks the admin port, on a connection of its own: one that is kept may end as the next request comes. */
  admin(path: string): Promise<Response>;
  metrics(): Promise<string>;
}

/** One in the tests' own process. */
export interface GatewayHere extends RunningGateway {
  /** What SIGHUP makes of another file; rejects with what would be logged. */
  reload(config: object): Promise<void>;
  /** What SIGTERM makes of it; resolves when it would exit. */
  drain(): Promise<void>;
}

/** One that people run: it has a process of its own. */
export interface GatewayProcess extends RunningGateway {
  readonly process: ChildProcess;
  /** What it has said on standard error so far, which should be nothing. */
  readonly errors: string;
}

/** What was logged, and those that wait for more. */
class Lines {
  readonly all: Line[] = [];
  readonly #waiting = new Set<() => void>();

  add(text: string): void {
    this.all.push(JSON.parse(text));
    for (const check of this.#waiting) check();
  }

  first(msg: string): Promise<Line> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.all.find((line) => line.msg === msg);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

const askAdmin = (adminUrl: string) => {
  const admin = (path: string) => fetch(`${adminUrl}${path}`, { headers: { Connection: 'close' } });
  return { admin, metrics: async () => (await admin('/metrics')).text() };
};

/** It ends with its test, so unless a test says otherwise it waits for nothing. */
const parse = (config: { readonly limits?: object }) =>
  parseConfig(stringify({ ...config, limits: { drainSeconds: 0, ...config.limits } }), process.env);

/**
 * Starts one in this process, which costs a hundredth: for what signals, workers, memory and standard output have no part
 * in. Ends with the test, or with the file.
 */
export async function startGateway(config: object): Promise<GatewayHere> {
  const lines = new Lines();
  const read = parse(config);
  const log = createLog(read.log.level, { write: (line) => lines.add(line) });
  const { url, adminUrl = '', drain, reload } = await start(read, log);
  onEnd(drain);
  return {
    url,
    adminUrl,
    lines: lines.all,
    logged: (msg) => lines.first(msg),
    ...askAdmin(adminUrl),
    reload: async (next) => reload(parse(next)),
    drain,
  };
}

/** Runs the command as people do, and waits until it accepts connections. Ends with the test, or with the file. */
export async function startGatewayProcess(
  config: object | { readonly file: string },
): Promise<GatewayProcess> {
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
  const lines = new Lines();
  createInterface(child.stdout).on('line', (line) => lines.add(line));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the gateway ended with ${code}`);
  });
  // who waits for a line hears of it
  ended.catch(() => {});
  const logged = (msg: string) => Promise.race([lines.first(msg), ended]);
  const { url, adminUrl } = await logged('listening');
  return {
    url: String(url),
    adminUrl: String(adminUrl),
    process: child,
    lines: lines.all,
    get errors() {
      return errors;
    },
    logged,
    ...askAdmin(String(adminUrl)),
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
