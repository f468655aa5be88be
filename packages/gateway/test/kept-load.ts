import { EventEmitter, once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEnd } from './lifetime.js';

export interface LoadOptions {
  readonly clients: number;
  /** The token of a client's request, both counted from 0. */
  tokenOf(client: number, turn: number): string;
  /** Default GET and POST by turns: plain ones and ones with a body. */
  readonly methods?: readonly ('GET' | 'POST')[];
}

/** Between two requests of a client: some connections are idle at any moment. Milliseconds. */
const pauseMilliseconds = 50;

/** Clients that ask again and again, each on a kept connection of its own. */
export interface Load {
  /** How many requests were answered with 200. */
  readonly answered: number;
  /** Of all other requests, why not. */
  readonly failures: readonly string[];
  /** Resolves when so many more were answered. */
  more(count: number): Promise<void>;
  /** Sends no more; resolves when all that was sent is answered, or has failed. */
  stop(): Promise<void>;
  /** Resolves when no client gets a connection any more. */
  readonly refused: Promise<void>;
}

/**
 * Starts the clients. That the server closes a connection between two requests is its right, and so is not to take a new
 * one; a request that was sent on a connection and not answered with 200 is a failure.
 */
export function startLoad(url: string, { clients, tokenOf, methods = ['GET', 'POST'] }: LoadOptions): Load {
  const progress = new EventEmitter();
  const failures: string[] = [];
  let answered = 0;
  let isStopped = false;

  async function run(client: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; !isStopped; turn++) {
      const method = methods[turn % methods.length] as string;
      const outcome = await ask(url, agent, method, tokenOf(client, turn));
      if (outcome === 'ECONNREFUSED') break;
      if (outcome === '200') answered++;
      else failures.push(`${method} ${outcome}`);
      progress.emit('change');
      await sleep(pauseMilliseconds);
    }
    agent.destroy();
  }

  const refused = Promise.all(Array.from({ length: clients }, (_, client) => run(client))).then(() => {});
  const stop = () => {
    isStopped = true;
    return refused;
  };
  onEnd(stop);
  return {
    get answered() {
      return answered;
    },
    failures,
    async more(count) {
      for (const until = answered + count; answered < until; ) await once(progress, 'change');
    },
    stop,
    refused,
  };
}

const body = JSON.stringify({ padding: 'x'.repeat(2000) });

function ask(url: string, agent: Agent, method: string, token: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = { Authorization: `Bearer ${token}` };
    const asked = request(url, { agent, method, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(`the answer broke off: ${error.code}`));
    });
    asked.on('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
    asked.end(method === 'POST' ? body : undefined);
  });
}
