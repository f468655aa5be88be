import { BearerError } from '@phantom-token/core';
import { afterEach, expect } from 'vitest';
import type { Authority } from './authority.js';
import { type Fleet, failuresOf, type Instance } from './fleet.js';

export interface LoadReport {
  readonly requests: number;
  /** What no client should have seen: a code for each. */
  readonly errors: readonly string[];
  /** Answers that differ from what the authorization server says. */
  readonly wrong: readonly string[];
  /** Seconds, sorted. */
  readonly durations: readonly number[];
  /** The longest that this very process was kept from working. */
  readonly stallSeconds: number;
  /** How many answers came from where. */
  readonly sources: Readonly<Record<string, number>>;
}

export interface Load {
  /** Resolves when so many more requests have been answered; rejects when it is stopped before. */
  more(requests: number): Promise<void>;
  /** Ends it, and waits for what is in the air. */
  stop(): Promise<LoadReport>;
}

export interface LoadOptions {
  /** Which token comes next. Default: one of the last forty of a stream of new ones, so that every instance meets each. */
  readonly nextToken?: (turn: number) => string;
  /** Between two requests of one instance. Seconds, default 0.005. */
  readonly intervalSeconds?: number;
}

/** A tenth of the tokens were never active; there is a new one every other turn. */
function streamOfTokens(name: string): (turn: number) => string {
  return (turn) => {
    const newest = Math.floor(turn / 2);
    const index = Math.max(0, newest - Math.floor(Math.random() * 40));
    return index % 10 === 9 ? `unknown-${name}-${index}` : `token-${name}-${index}`;
  };
}

let loads = 0;

const running = new Set<Load>();

// a test that failed has not come to it
afterEach(() => Promise.all([...running].map((load) => load.stop())));

const subjectIn = (jwt: string): unknown =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).sub;

/** Of one instance. More than a fault can hold up within the time of a command, so that only a busy machine waits. */
const mostInTheAir = 50;

/** Every instance is asked at a constant pace, whether or not it has answered; every answer is checked. */
export function startLoad({ instances }: Fleet, authority: Authority, options: LoadOptions = {}): Load {
  const { nextToken = streamOfTokens(String(loads++)), intervalSeconds = 0.005 } = options;
  const errors: string[] = [];
  const wrong: string[] = [];
  const durations: number[] = [];
  const sources: Record<string, number> = {};
  const inTheAir = instances.map(() => new Set<Promise<void>>());
  let turn = 0;
  let tickedAt = performance.now();
  let stallSeconds = 0;

  async function ask({ client }: Instance, token: string): Promise<void> {
    const startedAt = performance.now();
    const expected = authority.subjectOf(token);
    try {
      const { jwt, claims, source } = await client.exchange(token);
      sources[source] = (sources[source] ?? 0) + 1;
      if (claims.sub !== expected || subjectIn(jwt) !== expected) wrong.push(token);
    } catch (error) {
      const isRefusal = error instanceof BearerError && error.code === 'ERR_INACTIVE';
      if (!isRefusal) errors.push((error as { code?: string }).code ?? String(error));
      else if (expected !== undefined) wrong.push(token);
    }
    durations.push((performance.now() - startedAt) / 1000);
  }

  const timer = setInterval(() => {
    const now = turn++;
    const at = performance.now();
    stallSeconds = Math.max(stallSeconds, (at - tickedAt) / 1000 - intervalSeconds);
    tickedAt = at;
    instances.forEach((instance, index) => {
      const asked = inTheAir[index] as Set<Promise<void>>;
      if (asked.size >= mostInTheAir) return;
      const asking = ask(instance, nextToken(now)).finally(() => asked.delete(asking));
      asked.add(asking);
    });
  }, intervalSeconds * 1000);

  const load: Load = {
    async more(requests) {
      const target = durations.length + requests;
      while (durations.length < target) {
        if (!running.has(load)) throw new Error('the load was stopped');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async stop() {
      running.delete(load);
      clearInterval(timer);
      await Promise.all(inTheAir.flatMap((asked) => [...asked]));
      return {
        requests: durations.length,
        errors,
        wrong,
        durations: durations.toSorted((a, b) => a - b),
        sources,
        stallSeconds,
      };
    },
  };
  running.add(load);
  return load;
}

/** Two commands of 0.05 s each, the authorization server, and some more. Seconds. */
const longestWaitSeconds = 2;
/** How often a request waits for this process, which may be held up every time. */
const waits = 10;

/** What holds of every fault: nobody saw an error, nobody got a wrong answer, and nobody waited for long. */
export function expectUnharmed({ requests, errors, wrong, durations, stallSeconds }: LoadReport): void {
  expect(requests).toBeGreaterThan(100);
  expect(errors).toEqual([]);
  expect(wrong).toEqual([]);
  expect(durations.at(-1)).toBeLessThan(longestWaitSeconds + waits * stallSeconds);
}

/** No instance introspects a token twice, whatever becomes of what they share. */
export function expectBoundedIntrospections({ instances }: Fleet, authority: Authority): void {
  expect(authority.mostIntrospections).toBeLessThanOrEqual(instances.length);
}

/** Most of those who could have waited for a Redis that does not answer did not have to. */
export function expectLeftAlone(fleet: Fleet): void {
  const { ERR_CACHE_OPEN: spared = 0, ERR_CACHE_TIMEOUT: waited = 0 } = failuresOf(fleet);
  expect(waited).toBeGreaterThan(0);
  expect(spared).toBeGreaterThan(waited);
}
