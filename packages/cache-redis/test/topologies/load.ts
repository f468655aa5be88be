import { BearerError } from '@phantom-token/core';
import { expect } from 'vitest';
import type { Authority } from './authority.js';
import { type Fleet, failuresOf, type Instance } from './fleet.js';

export interface LoadReport {
  readonly requests: number;
  /** What no client should have seen: a code for each. */
  readonly errors: readonly string[];
  /** Answers that differ from what the authorization server says. */
  readonly wrong: readonly string[];
  /** What the longest request took by a clock that stands still while this process does. */
  readonly longestSeconds: number;
  /** What it may have taken. */
  readonly longestWaitSeconds: number;
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
  /** Between two requests of one instance. Seconds, default 0.015. */
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

/** Those that nobody stopped: a test that failed has not come to it. */
export const stopLoads = () => Promise.all([...running].map((load) => load.stop()));

const subjectIn = (jwt: string): unknown =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()).sub;

/** Of one instance. More than a fault can hold up within the time of a command, so that only a busy machine waits. */
const mostInTheAir = 50;

/** Every instance is asked at a constant pace, whether or not it has answered; every answer is checked. */
export function startLoad(fleet: Fleet, authority: Authority, options: LoadOptions = {}): Load {
  const { instances, longestWaitSeconds } = fleet;
  const { nextToken = streamOfTokens(String(loads++)), intervalSeconds = 0.015 } = options;
  const errors: string[] = [];
  const wrong: string[] = [];
  const sources: Record<string, number> = {};
  const inTheAir = instances.map(() => new Set<Promise<void>>());
  let turn = 0;
  let answered = 0;
  let longestTurns = 0;
  let isStopped = false;
  let tickedAt = performance.now();
  let stallSeconds = 0;

  async function ask({ client }: Instance, token: string): Promise<void> {
    const startedIn = turn;
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
    answered++;
    longestTurns = Math.max(longestTurns, turn - startedIn);
  }

  const timer = setInterval(() => {
    const now = turn++;
    const at = performance.now();
    stallSeconds = Math.max(stallSeconds, (at - tickedAt) / 1000 - intervalSeconds);
    tickedAt = at;
    if (isStopped) return;
    instances.forEach((instance, index) => {
      const asked = inTheAir[index] as Set<Promise<void>>;
      if (asked.size >= mostInTheAir) return;
      const asking = ask(instance, nextToken(now)).finally(() => asked.delete(asking));
      asked.add(asking);
    });
  }, intervalSeconds * 1000);

  const load: Load = {
    async more(requests) {
      const target = answered + requests;
      while (answered < target) {
        if (!running.has(load)) throw new Error('the load was stopped');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async stop() {
      running.delete(load);
      isStopped = true;
      await Promise.all(inTheAir.flatMap((asked) => [...asked]));
      clearInterval(timer);
      return {
        requests: answered,
        errors,
        wrong,
        longestSeconds: longestTurns * intervalSeconds,
        longestWaitSeconds,
        sources,
        stallSeconds,
      };
    },
  };
  running.add(load);
  return load;
}

/** What holds of every fault: nobody saw an error, nobody got a wrong answer, and nobody waited for long. */
export function expectUnharmed(report: LoadReport): void {
  expect(report.requests).toBeGreaterThan(100);
  expect(report.errors).toEqual([]);
  expect(report.wrong).toEqual([]);
  expect(report.longestSeconds).toBeLessThan(report.longestWaitSeconds);
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
