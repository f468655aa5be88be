import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from '../../../../scripts/redis-server.mjs';
import { freePort } from './free-port.js';
import type { Owned } from './owned.js';

export interface ServerProcessOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Lines of its configuration file, beside the port and the folder. */
  readonly config?: (port: number) => readonly string[];
  /** Further arguments: `--sentinel`. */
  readonly args?: readonly string[];
  /** What it prints when it can be used. Default: that it accepts connections. */
  readonly ready?: RegExp;
}

export interface ServerProcess extends Owned {
  readonly port: number;
  /** Where it saves. */
  readonly data: string;
  /** Kills it (SIGKILL) and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on its port after `kill`, with its folder as it was. */
  restart(options?: Pick<ServerProcessOptions, 'ready'>): Promise<void>;
  /** Stops it (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
}

/** Starts a Redis process on loopback, in a temporary folder that is deleted with it. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  if (options.port !== undefined) return startOn(options.port, options);
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), options);
    } catch (error) {
      // somebody may have taken the port since it was found to be free
      if (attempt === 3) throw error;
    }
  }
}

async function startOn(port: number, options: ServerProcessOptions): Promise<ServerProcess> {
  const folder = join(guardedFolder(), String(port));
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const file = join(folder, 'server.conf');
  const lines = [`dir ${data}`, `pidfile ${join(folder, 'pid')}`, ...(options.config?.(port) ?? [])];
  await writeFile(file, `${lines.join('\n')}\n`);

  let running: ChildProcess | undefined;
  const start = async (ready: RegExp) => {
    running = spawn(findRedisServer(), [file, ...(options.args ?? [])], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await printed(running, ready);
  };
  const kill = async () => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    // its number may be another's soon
    await rm(join(folder, 'pid'), { force: true });
  };
  const end = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  const ready = options.ready ?? /Ready to accept connections/;
  try {
    await start(ready);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    port,
    data,
    kill,
    restart: (again) => start(again?.ready ?? ready),
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
    end,
  };
}

/** Waits for a line; what comes later is read and dropped, so that the server never waits for us. */
async function printed(child: ChildProcess, line: RegExp): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (output.length > 100_000) return;
      output += chunk.toString();
      if (line.test(output)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended: ${output.slice(-500)}`)));
  });
}

let folderOfProcess: string | undefined;

/**
 * The temporary folder of this process. A shell waits for the end of a pipe that only we hold: when we end, in whatever way,
 * it kills the servers whose process ids stand in the folder, and deletes it.
 */
function guardedFolder(): string {
  if (folderOfProcess !== undefined) return folderOfProcess;
  folderOfProcess = mkdtempSync(join(tmpdir(), 'redis-topology-'));
  const script = 'cat; for file in "$0"/*/pid; do kill -9 "$(cat "$file")"; done; rm -rf "$0"';
  const guard = spawn('sh', ['-c', script, folderOfProcess], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  // an open pipe alone keeps nobody alive
  (guard.stdin as unknown as { unref(): void }).unref();
  return folderOfProcess;
}
