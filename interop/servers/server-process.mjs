// Starts a real server as an own foreground process in a temporary folder, on a free loopback port.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { requireCommand } from '../commands.mjs';
import { replaceExamples } from '../replace.mjs';
import '../signals.mjs';

const startSeconds = 60;
const stopSeconds = 30;
/** A port that was free when it was looked for may be taken by the time that a server wants it. */
const mostAttempts = 3;

const running = new Set();
/** With the processes that it has started itself. */
const killGroup = (child) => {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {} // It has ended already.
};
// A test run that dies must not leave servers behind.
process.on('exit', () => {
  for (const child of running) killGroup(child);
});

const freePort = async () => {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
};

const accepts = async (port) => {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** The text of a file in config, with its example addresses replaced. */
export const configText = (file, addresses = {}) => {
  const text = readFileSync(new URL(`../config/${file}`, import.meta.url), 'utf8');
  return replaceExamples(`config/${file}`, text, addresses);
};

/** What the command says about its version, for the report. */
export const versionOf = (command, args) => {
  const { stdout, stderr } = spawnSync(requireCommand(command), args, { encoding: 'utf8' });
  return `${stdout}${stderr}`.trim().split('\n')[0];
};

/**
 * `build({ port, folder })` gives `{ files, args, env }`; files are written to the folder, which is also the working
 * folder of the process.
 */
export const startServer = async (command, build) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(command, build);
    } catch (error) {
      if (attempt === mostAttempts || !/address already in use/i.test(error.message)) throw error;
    }
  }
};

const startOnce = async (command, build) => {
  const file = requireCommand(command);
  const folder = await mkdtemp(join(tmpdir(), `interop-${command}-`));
  const port = await freePort();
  const { files, args, env = {} } = build({ port, folder });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }

  const child = spawn(file, args, {
    cwd: folder,
    // Its own variables only: a proxy or a home from outside must not change what is tested.
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  let ended = false;
  const exited = once(child, 'exit').finally(() => {
    ended = true;
    running.delete(child);
  });
  exited.catch((error) => {
    output += error.message;
  });

  const stop = async () => {
    if (!ended) {
      child.kill('SIGTERM');
      const late = setTimeout(() => killGroup(child), stopSeconds * 1000);
      await exited;
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };

  const deadline = Date.now() + startSeconds * 1000;
  while (!(await accepts(port))) {
    if (ended || Date.now() > deadline) {
      await stop();
      throw new Error(`${command} ${ended ? 'ended' : 'does not accept connections'}:\n${output}`);
    }
    await delay(20);
  }
  return { url: `http://127.0.0.1:${port}`, output: () => output, stop };
};
