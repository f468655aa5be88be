// How long it takes until seven instances refuse what the eighth revokes: processes of their own, one Redis, memory in
// front of it. From the call of `revoke` to the last of the refusals, the question to the authorization server included.
// `node benchmarks/revocation.mjs [revocations]` after `npm run build`; ends with 1 when the goal is missed.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectRedis, redisCache, redisRevocations } from '../packages/cache-redis/dist/index.js';
import {
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  tieredCache,
} from '../packages/core/dist/index.js';
import { findRedisServer } from '../scripts/redis-server.mjs';

const goalMilliseconds = 100;
const size = 8;
/** How often a process asks while it waits to be refused. Milliseconds, and so is what it adds to every figure at most. */
const askEvery = 1;
const pepper = { id: 'bench', secret: 'the pepper of this measurement alone, and of no other' };

if (process.send === undefined) await measure(Number(process.argv[2] ?? 1000));
else serve(process.argv[2], process.argv[3]);

/** One instance: does what its parent says, one thing after the other. */
function serve(redisUrl, introspectionEndpoint) {
  const redis = connectRedis({ url: redisUrl });
  const revocations = redisRevocations(redis, {
    pepper,
    onStateChange: ({ isUp }) => isUp && process.send({ done: 'listening' }),
  });
  const client = createPhantomTokenClient({
    introspectionEndpoint,
    clientAuth: clientSecretBasic('bench', 'secret'),
    accept: 'application/json',
    cache: tieredCache(memoryCache(), redisCache(redis, { pepper })),
    revocations,
  });

  const commands = {
    async hold(token) {
      await client.exchange(token);
      if (client.exchangeOrWait(token).source !== 'memory') throw new Error('memory does not have it');
    },
    async revoke(token) {
      const startedAt = process.hrtime.bigint();
      await client.revoke(token);
      return startedAt;
    },
    async untilRefused(token) {
      process.send({ done: 'asking' });
      for (;;) {
        try {
          await client.exchangeOrWait(token);
        } catch (error) {
          if (error.code === 'ERR_INACTIVE') return process.hrtime.bigint();
        }
        await sleep(askEvery);
      }
    },
  };
  process.on('message', async ({ command, token }) => {
    const at = await commands[command](token);
    process.send({ done: command, at: at?.toString() });
  });
  // it ends with its parent
  process.on('disconnect', () => process.exit());
}

async function measure(revocations) {
  const revoked = new Set();
  const server = await startAuthorizationServer(revoked);
  const port = await freePort();
  const redis = spawn(findRedisServer(), ['--port', port, '--bind', '127.0.0.1', '--save', ''], {
    stdio: 'ignore',
  });
  process.on('exit', () => redis.kill('SIGKILL'));
  const endpoint = `http://127.0.0.1:${server.address().port}/introspect`;
  const instances = Array.from({ length: size }, () => startInstance(`redis://127.0.0.1:${port}`, endpoint));
  await Promise.all(instances.map(({ reached }) => reached('listening')));

  const [first, ...others] = instances;
  const milliseconds = [];
  for (let turn = 0; turn < revocations; turn++) {
    const token = `token-${turn}`;
    await Promise.all(instances.map(({ tell }) => tell('hold', token)));
    const asking = others.map(({ reached }) => reached('asking'));
    const refusing = others.map(({ tell }) => tell('untilRefused', token));
    await Promise.all(asking);
    revoked.add(token);
    const startedAt = await first.tell('revoke', token);
    const refused = await Promise.all(refusing);
    milliseconds.push(Math.max(...refused.map((at) => Number(at - startedAt) / 1e6)));
  }

  milliseconds.sort((a, b) => a - b);
  const share = (part) => milliseconds[Math.ceil(part * milliseconds.length) - 1].toFixed(1);
  const p99 = share(0.99);
  console.log(`${revocations} revocations, until the last of ${size - 1} other instances refuses:`);
  console.log(
    `p50 ${share(0.5)} ms, p99 ${p99} ms, slowest ${share(1)} ms; the goal for p99 is ${goalMilliseconds} ms`,
  );
  process.exit(Number(p99) <= goalMilliseconds ? 0 : 1);
}

function startInstance(...args) {
  const child = fork(fileURLToPath(import.meta.url), args);
  child.on('exit', (code) => {
    console.error(`an instance ended with ${code}`);
    process.exit(1);
  });
  const waiting = new Map();
  child.on('message', ({ done, at }) => waiting.get(done)?.(at === undefined ? undefined : BigInt(at)));
  const reached = (what) => new Promise((resolve) => waiting.set(what, resolve));
  return {
    reached,
    tell(command, token) {
      const done = reached(command);
      child.send({ command, token });
      return done;
    },
  };
}

/** Every token is active until it is revoked. Its JWTs are not signed: nobody looks. */
async function startAuthorizationServer(revoked) {
  const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const token = new URLSearchParams(body).get('token');
    const claims = { sub: `owner of ${token}`, exp };
    const jwt = `${segment({ alg: 'RS256', typ: 'at+jwt' })}.${segment(claims)}.c2lnbmF0dXJl`;
    const answer = revoked.has(token) ? { active: false } : { active: true, ...claims, jwt };
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
