import { expect } from 'vitest';
import { startGateway } from './gateway.js';
import { format, openConnection, type RawConnection } from './raw.js';
import { listen, startAuthorizationServer, startUpstream, type Upstream } from './stage.js';

const token = ['Authorization: Bearer opaque'];

/** Whom a request reached, and what was asked there; the status where nobody was reached. */
export type Fate = readonly [upstream: string, target: string] | number;

export interface Play {
  /** Sends it as a GET, which the fast lane sees first, and as a POST. Both must have the same fate. */
  fateOf(target: string): Promise<Fate>;
}

/** A gateway with these routes, each with an upstream of its own. */
export async function stageRoutes(
  routes: readonly { readonly name: string; readonly base?: string; readonly [option: string]: unknown }[],
): Promise<Play> {
  const { introspection } = await startAuthorizationServer();
  const upstreams = new Map<string, Upstream>();
  const configured = [];
  for (const { name, base = '', ...options } of routes) {
    const upstream = await startUpstream();
    upstreams.set(name, upstream);
    configured.push({ ...options, upstream: upstream.url + base });
  }
  const { url } = await startGateway({
    listen,
    introspection,
    cache: { noExpiryTtlSeconds: 300 },
    routes: configured,
    log: { level: 'silent' },
  });
  let connection: RawConnection | undefined;

  async function send(bytes: string): Promise<Fate> {
    for (const { requests } of upstreams.values()) requests.length = 0;
    connection ??= openConnection(url);
    connection.send(bytes);
    const answer = await connection.answer();
    if (answer?.header('Connection') === 'close') connection = undefined;
    const seen = [...upstreams].flatMap(([name, { requests }]) =>
      requests.map(({ url }) => [name, url ?? ''] as const),
    );
    expect(seen.length).toBeLessThanOrEqual(1);
    if (seen.length === 0) return answer?.status ?? 0;
    expect(answer?.status).toBe(200);
    return seen[0] as Fate;
  }
  return {
    async fateOf(target) {
      const fate = await send(format('GET', target, token));
      expect(await send(format('POST', target, [...token, 'Content-Length: 0']))).toEqual(fate);
      return fate;
    },
  };
}
