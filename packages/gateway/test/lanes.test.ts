import { beforeAll, describe, expect, it } from 'vitest';
import { bearer } from './forward-auth-play.js';
import { type RunningGateway, startGateway } from './gateway.js';
import { cutShort, malformed, orderly, silent, stalled } from './lane-replies.js';
import { good, presented, requests } from './lane-requests.js';
import { type Answer, format, openConnection } from './raw.js';
import { type RawUpstream, type Seen, startRawUpstream } from './raw-upstream.js';
import { admin, listen } from './stage.js';
import { type NamedTokens, startNamedTokens } from './tokens.js';

interface Lane {
  readonly gateway: RunningGateway;
  readonly upstream: RawUpstream;
}

type Lanes = readonly [fast: Lane, general: Lane];

let server: NamedTokens;
let lanes: Lanes;
/** The same, but that nothing is waited for for long: for what never comes, and nothing else. */
let hastyLanes: Lanes;

beforeAll(async () => {
  server = await startNamedTokens();
  const replies = new Map(Object.entries({ ...orderly, ...malformed, ...cutShort, silent, stalled }));
  const start = async (fastLane: boolean, isHasty: boolean): Promise<Lane> => {
    const upstream = await startRawUpstream(replies);
    const { url } = upstream;
    const gateway = await startGateway({
      listen,
      admin,
      introspection: isHasty ? server.hastyIntrospection : server.introspection,
      cache: { noExpiryTtlSeconds: 300 },
      routes: [
        { path: '/api', upstream: url, requiredScopes: ['read'] },
        { path: '/open', upstream: url, auth: 'none' },
        { path: '/strip', upstream: `${url}/v1/`, stripPath: true },
        { path: '/host', upstream: url, preserveHost: true },
        { path: '/hasty', upstream: url, auth: 'none', timeoutSeconds: 0.3 },
        { path: '/gone', upstream: 'http://127.0.0.1:9' },
      ],
      limits: isHasty ? { idleTimeoutSeconds: 2 } : {},
      fastLane,
      log: { level: 'silent' },
    });
    return { gateway, upstream };
  };
  const startBoth = (isHasty: boolean) => Promise.all([start(true, isHasty), start(false, isHasty)]);
  [lanes, hastyLanes] = await Promise.all([startBoth(false), startBoth(true)]);
});

/** All that can be told from outside, without what may differ. */
interface Sight {
  readonly client: object | undefined;
  readonly upstream: readonly object[];
  readonly introspected: readonly (string | null)[];
}

async function look({ gateway, upstream }: Lane, bytes: string): Promise<Sight> {
  const [requests, calls] = [upstream.seen.length, server.server.calls.length];
  const connection = openConnection(gateway.url);
  connection.send(bytes);
  const answer = await connection.answer(/^\s*(\w+)/.exec(bytes)?.[1]);
  const seen = upstream.seen.slice(requests);
  if (answer !== undefined && !answer.isCut && answer.header('Connection') !== 'close') {
    // what came before must not have left anything on the connection
    connection.send(format('GET', '/open/fine'));
    expect((await connection.answer()) ?? { body: 'ok' }).toMatchObject({ body: 'ok' });
  }
  connection.destroy();
  return {
    client: answer && fromClient(answer),
    upstream: withoutRepeats(seen.map((request) => fromUpstream(request, upstream.host))),
    introspected: server.server.calls.slice(calls).map(({ form }) => form.get('token')),
  };
}

const unstable = new Set(['date', 'connection', 'keep-alive']);

function fromClient({ status, reason, fields, body, trailers, isCut }: Answer): object {
  const lines = fields.filter(([name]) => !unstable.has(name)).map(([name, value]) => `${name}: ${value}`);
  const dates = fields.filter(([name]) => name === 'date').length;
  return { status, reason, fields: lines.sort(), dates, body, trailers, isCut };
}

function fromUpstream({ method, target, fields, body }: Seen, host: string): object {
  const lines = fields
    .filter((line) => !line.startsWith('connection: '))
    .map((line) => (line === `host: ${host}` ? 'host: upstream' : line));
  return { method, target, fields: lines.sort(), body };
}

/** A request that the upstream broke off may be made again, in one lane sooner than in the other. */
function withoutRepeats(seen: readonly object[]): readonly object[] {
  const texts = seen.map((request) => JSON.stringify(request));
  return seen.filter((_, index) => texts[index] !== texts[index - 1]);
}

async function lookTwice(bytes: string): Promise<Sight> {
  const fast = await look(lanes[0], bytes);
  const general = await look(lanes[1], bytes);
  expect(fast).toEqual(general);
  return fast;
}

/** What the client gets where nothing is waited for for long; whom else it reached by then depends on the machine. */
async function lookHastily(bytes: string): Promise<Sight['client']> {
  const fast = await look(hastyLanes[0], bytes);
  const general = await look(hastyLanes[1], bytes);
  expect(fast.client).toEqual(general.client);
  return fast.client;
}

const reach = (name: string) => lookTwice(format('GET', `/api/${name}`, [good]));

describe('with the fast lane and without', () => {
  it.each(requests)('the same becomes of a request with %s', async (_what, bytes) => {
    await lookTwice(bytes);
  });

  it.each(Object.keys(orderly))('the client gets the same answer: %s', async (name) => {
    const { client, upstream } = await reach(name);
    expect(client).toMatchObject({ isCut: false });
    expect(client).not.toMatchObject({ status: 502 });
    expect(upstream).toHaveLength(1);
  });

  it.each(Object.keys(malformed))('an answer that is none is 502: %s', async (name) => {
    expect((await reach(name)).client).toMatchObject({
      status: 502,
      body: '{"error":"server_error","error_description":"the upstream gave no usable answer"}',
    });
  });

  it.each(Object.keys(cutShort))('the connection breaks where the answer does: %s', async (name) => {
    expect((await reach(name)).client).toMatchObject({ status: 200, isCut: true });
  });

  it('an authorization server that says nothing is 504', async () => {
    expect(await lookHastily(format('GET', '/api/x', [bearer('silent')]))).toMatchObject({
      status: 504,
      body: '{"error":"temporarily_unavailable","error_description":"the token cannot be checked at the moment"}',
    });
  });

  it('an upstream that says nothing is 504', async () => {
    expect(await lookHastily(format('GET', '/hasty/silent'))).toMatchObject({
      status: 504,
      body: '{"error":"temporarily_unavailable","error_description":"the upstream did not answer in time"}',
    });
  });

  it('the connection breaks where an upstream stops halfway', async () => {
    expect(await lookHastily(format('GET', '/open/stalled'))).toMatchObject({
      status: 200,
      body: 'half',
      isCut: true,
    });
  });

  it('all has been counted the same', async () => {
    for (const [first, second] of [lanes, hastyLanes]) {
      const fast = await counts(first.gateway);
      expect(fast).toEqual(await counts(second.gateway));
      expect(fast).toContainEqual(expect.stringContaining('{route="/api",status="'));
    }
  });

  it('no presented token has reached an upstream', () => {
    for (const { upstream } of lanes) {
      expect(upstream.received).toContain('GET /api/x HTTP/1.1\r\n');
      expect(upstream.received).not.toContain(presented);
    }
  });
});

/** Requests by route and status, refusals by reason. */
async function counts({ metrics }: RunningGateway): Promise<string[]> {
  return (await metrics())
    .split('\n')
    .filter((line) => /^phantom_token_(?:requests|refusals)_total\{/.test(line))
    .sort();
}
