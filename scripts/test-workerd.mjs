// A worker with our Hono adapter in workerd, asked over HTTP: exchange, refusals, hits, and parallel requests, which must
// not share I/O there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { root } from './workspace.mjs';

const now = 1_800_000_000;

async function bundle(folder, flags) {
  await build({
    entryPoints: [join(root, 'runtimes/workerd/worker.ts')],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'import', 'default'],
    nodePaths: [join(root, 'packages/adapter-hono/node_modules')],
    alias: { '@phantom-token/adapter-hono': join(root, 'packages/adapter-hono/dist/index.js') },
    logLevel: 'error',
  });
  const config = readFileSync(join(root, 'runtimes/workerd/config.capnp'), 'utf8');
  writeFileSync(join(folder, 'config.capnp'), config.replace('COMPATIBILITY_FLAGS', JSON.stringify(flags)));
}

async function start(workerd, folder, endpoint) {
  const child = spawn(workerd, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    env: { ...process.env, ENDPOINT: endpoint, NOW: String(now) },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stdio[3] })) {
    const { event, port } = JSON.parse(line);
    if (event === 'listen') return { child, url: `http://127.0.0.1:${port}/` };
  }
  throw new Error('workerd did not start');
}

const cases = {
  'a good token is exchanged': async ({ ask, server }) => {
    const { status, body } = await ask('good');
    assert.equal(status, 200);
    assert.equal(body.source, 'introspection');
    assert.match(body.authorization, /^Bearer eyJ/);
    assert.equal(server.calls.length, 1);
  },
  'a second call is answered from memory': async ({ ask, server }) => {
    await ask('twice');
    const { status, body } = await ask('twice');
    assert.deepEqual([status, body.source, server.calls.length], [200, 'memory', 1]);
  },
  'a missing token is refused and nobody asked': async ({ ask, server }) => {
    const { status, challenge } = await ask(undefined);
    assert.deepEqual([status, challenge], [401, 'Bearer realm="api", scope="read"']);
    assert.equal(server.calls.length, 0);
  },
  'an inactive token is refused': async ({ ask, server, answers }) => {
    server.answer(answers.noContent());
    const { status, challenge } = await ask('inactive');
    assert.equal(status, 401);
    assert.match(challenge, /error="invalid_token"/);
  },
  'an outage is no refusal': async ({ ask, server, answers }) => {
    server.answer(answers.status(500));
    assert.equal((await ask('outage')).status, 502);
  },
  'twenty first calls at once share nothing and all pass': async ({ ask, server }) => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask('parallel')));
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
    assert.equal(server.calls.length, 20);
  },
};

/** Plays the cases with these compatibility flags; how many held and how many did not. */
export async function testWorkerd(workerd, flags) {
  const { startScriptedServer, jwt, ...answers } = await import('../packages/conformance/dist/index.js');
  const folder = mkdtempSync(join(tmpdir(), 'workerd-'));
  const counts = { passed: 0, failed: 0 };
  try {
    await bundle(folder, flags);
    for (const [title, run] of Object.entries(cases)) {
      const server = await startScriptedServer();
      server.answer(jwt());
      const { child, url } = await start(workerd, folder, server.endpoint);
      const ask = async (token) => {
        const response = await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
        const text = await response.text();
        const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
        return { status: response.status, challenge: response.headers.get('www-authenticate'), body };
      };
      try {
        await run({ ask, server, answers });
        counts.passed++;
      } catch (error) {
        counts.failed++;
        console.error(`failed: workerd: ${title}: ${error.message}`);
      } finally {
        child.kill('SIGKILL');
        await once(child, 'close');
        await server.close();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
}
