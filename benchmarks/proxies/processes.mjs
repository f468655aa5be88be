import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// every server is a process of its own with its files in one temporary folder, and ends with us

const folder = mkdtempSync(join(tmpdir(), 'proxies-'));
const running = new Set();
const patienceMs = 15_000;

export function makeFolder(name) {
  const made = join(folder, name);
  mkdirSync(made, { recursive: true });
  return made;
}

/** Starts a command on one core. `ended` rejects with what it last wrote when it ends before it is stopped. */
export function start(name, core, command, args, { ipc = false, log } = {}) {
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  running.add(child);
  let last = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      last = (last + text).slice(-2000);
    });
  }
  const ended = new Promise((_resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      if (log !== undefined && existsSync(log)) last += readFileSync(log, 'utf8').slice(-2000);
      reject(new Error(`${name} ended with ${signal ?? code}:\n${last}`));
    });
  });
  ended.catch(() => {});
  return { name, child, ended };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits for what a server says of itself, unless it ends first or takes too long. */
export async function within(started, ready) {
  const { promise: late, cancel } = timeout(started.name);
  try {
    return await Promise.race([ready, started.ended, late]);
  } finally {
    cancel();
  }
}

function timeout(name) {
  let timer;
  const promise = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not start in time`)), patienceMs);
  });
  return { promise, cancel: () => clearTimeout(timer) };
}

export async function untilOpen(started, port) {
  let waiting = true;
  const open = async () => {
    while (waiting && !(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  try {
    await within(started, open());
  } finally {
    waiting = false;
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await closed;
  clearTimeout(timer);
}

export async function stopAll() {
  await Promise.all([...running].map(stop));
  rmSync(folder, { recursive: true, force: true });
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await stopAll();
    process.exit(1);
  });
}
// a last resort, where an error got past stopAll
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});
