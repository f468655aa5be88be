// How long it takes until seven instances refuse what the eighth revokes: processes of their own, one Redis, memory in
// front of it. From the call of `revoke` to the last of the refusals, the question to the authorization server included.
// `--quick`, or a number of revocations; ends with 1 when the goal is missed.
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectRedis, redisCache, redisRevocations } from '@phantom-token/cache-redis';
import {
  type BearerError,
  clientSecretBasic,
  createPhantomTokenClient,
  memoryCache,
  tieredCache,
} from '@phantom-token/core';
import { startPlainAuthority } from './plain-authority.js';
import { startRedis } from './redis-server.js';

const goalMilliseconds = 100;
const size = 8;
/** How often a process asks while it waits to be refused. Milliseconds, and so is what it adds to every figure at most. */
const askEvery = 1;
const pepper = { id: 'bench', secret: 'the pepper of this measurement alone, and of no other' };

type Command = 'hold' | 'revoke' | 'untilRefused';

interface Order {
  readonly command: Command;
  readonly token: string;
}

interface Report {
  readonly done: Command | 'listening' | 'asking';
  /** Of the clock that all processes have in common, nanoseconds. */
  readonly at?: string | undefined;
}

const [, , first = '', second = ''] = process.argv;
if (process.send === undefined) await measure(process.argv.includes('--quick') ? 100 : Number(first || 1000));
else serve(first, second);

/** One instance: does what its parent says, one thing after the other. */
function serve(redisUrl: string, introspectionEndpoint: string): void {
  const report = (it: Report) => process.send?.(it);
  const redis = connectRedis({ url: redisUrl });
  const revocations = redisRevocations(redis, {
    pepper,
    onStateChange: ({ isUp }) => isUp && report({ done: 'listening' }),
  });
  const client = createPhantomTokenClient({
    introspectionEndpoint,
    clientAuth: clientSecretBasic('bench', 'secret'),
    accept: 'application/json',
    allowInsecureRequests: true,
    cache: tieredCache(memoryCache(), redisCache(redis, { pepper })),
    revocations,
  });

  const commands: Record<Command, (token: string) => Promise<bigint | undefined>> = {
    async hold(token) {
      await client.exchange(token);
      const { source } = await client.exchange(token);
      if (source !== 'memory') throw new Error('memory does not have it');
      return undefined;
    },
    async revoke(token) {
      const startedAt = process.hrtime.bigint();
      await client.revoke(token);
      return startedAt;
    },
    async untilRefused(token) {
      report({ done: 'asking' });
      for (;;) {
        try {
          await client.exchangeOrWait(token);
        } catch (error) {
          if ((error as BearerError).code === 'ERR_INACTIVE') return process.hrtime.bigint();
        }
        await sleep(askEvery);
      }
    },
  };
  process.on('message', async ({ command, token }: Order) => {
    const at = await commands[command](token);
    report({ done: command, at: at?.toString() });
  });
  // it ends with its parent
  process.on('disconnect', () => process.exit());
}

interface Instance {
  reached(what: Report['done']): Promise<bigint>;
  tell(command: Command, token: string): Promise<bigint>;
}

async function measure(revocations: number): Promise<never> {
  const [{ endpoint, revoked }, { url }] = await Promise.all([startPlainAuthority(), startRedis()]);
  const instances = Array.from({ length: size }, () => startInstance(url, endpoint));
  await Promise.all(instances.map(({ reached }) => reached('listening')));

  const [first, ...others] = instances as [Instance, ...Instance[]];
  const milliseconds: number[] = [];
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
  const share = (part: number) => milliseconds[Math.ceil(part * milliseconds.length) - 1]?.toFixed(1);
  const p99 = share(0.99);
  console.log(`${revocations} revocations, until the last of ${size - 1} other instances refuses:`);
  console.log(
    `p50 ${share(0.5)} ms, p99 ${p99} ms, slowest ${share(1)} ms; the goal for p99 is ${goalMilliseconds} ms`,
  );
  process.exit(Number(p99) <= goalMilliseconds ? 0 : 1);
}

function startInstance(...args: string[]): Instance {
  const child = fork(fileURLToPath(import.meta.url), args);
  child.on('exit', (code) => {
    console.error(`an instance ended with ${code}`);
    process.exit(1);
  });
  const waiting = new Map<Report['done'], (at: bigint) => void>();
  child.on('message', ({ done, at = '0' }: Report) => waiting.get(done)?.(BigInt(at)));
  const reached = (what: Report['done']) => new Promise<bigint>((resolve) => waiting.set(what, resolve));
  return {
    reached,
    tell(command, token) {
      const done = reached(command);
      child.send({ command, token } satisfies Order);
      return done;
    },
  };
}
